using System.Globalization;
using Weft.Primitives;

namespace Weft.Kernel.Processes;

/// <summary>
/// A control group of the v2 hierarchy (Documentation/admin-guide/cgroup-v2.rst). An object names a group; the group need not exist.
/// </summary>
public sealed class Cgroup
{
    private Cgroup(string path) => Path = path;

    /// <summary>Directory of the group.</summary>
    public string Path { get; }

    public bool Exists => Directory.Exists(Path);

    /// <summary>The root of the cgroup2 hierarchy, wherever it is mounted.</summary>
    /// <exception cref="KernelException">No cgroup2 file system is mounted.</exception>
    public static Cgroup Root() =>
        new(FindMount(File.ReadAllText("/proc/self/mounts"))
            ?? throw new KernelException("find the cgroup2 hierarchy", Errno.ENOENT,
                "no cgroup2 file system in /proc/self/mounts; mount one with: mount -t cgroup2 none /sys/fs/cgroup"));

    /// <summary>The group of a directory below the root.</summary>
    public static Cgroup At(string path) => new(path);

    /// <summary>A group below this one; the name may hold slashes.</summary>
    public Cgroup Child(string name) => new($"{Path}/{name}");

    /// <summary>Makes the group and those above it, when missing.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void Create() => Directory.CreateDirectory(Path);

    /// <summary>Moves a process, with all its threads, into the group.</summary>
    /// <exception cref="IOException">No such group or process.</exception>
    public void Add(int pid) => File.WriteAllText($"{Path}/cgroup.procs", pid.ToString(CultureInfo.InvariantCulture));

    /// <summary>Process ids in this group, not in those below it; empty when the group does not exist.</summary>
    public IReadOnlyList<int> Processes()
    {
        try
        {
            return [.. File.ReadLines($"{Path}/cgroup.procs").Select(line => int.Parse(line, CultureInfo.InvariantCulture))];
        }
        catch (Exception e) when (IsGone(e))
        {
            return [];
        }
    }

    /// <summary>Whether a process lives in this group or below it.</summary>
    public bool IsPopulated()
    {
        try
        {
            return File.ReadLines($"{Path}/cgroup.events").Contains("populated 1");
        }
        catch (Exception e) when (IsGone(e))
        {
            return false;
        }
    }

    /// <summary>
    /// Kills every process in this group and below it: by cgroup.kill (Linux 5.14), else one by one until none is left, since a process
    /// may fork while the list is read.
    /// </summary>
    public void Kill()
    {
        try
        {
            File.WriteAllText($"{Path}/cgroup.kill", "1");
            return;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!Exists)
                return;
        }
        for (var round = 0; round < 100 && IsPopulated(); round++)
            KillEach();
    }

    /// <summary>Kills what runs in the group and removes it with all groups below it.</summary>
    /// <param name="timeout">How long to wait for killed processes to be gone.</param>
    /// <returns>False when processes are still there after the timeout, or the kernel keeps the group; it may be tried again.</returns>
    public bool Delete(TimeSpan timeout)
    {
        if (!Exists)
            return true;
        Kill();
        var deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        while (!TryRemove())
        {
            if (Environment.TickCount64 >= deadline)
                return false;
            Thread.Sleep(2);
        }
        return true;
    }

    public override string ToString() => Path;

    /// <summary>Mount point of the first cgroup2 line of a mount table, unescaped; null when there is none.</summary>
    internal static string? FindMount(string mounts)
    {
        foreach (var line in mounts.Split('\n'))
        {
            var fields = line.Split(' ');
            if (fields.Length >= 3 && fields[2] == "cgroup2")
                return Mounts.MountTable.Unescape(fields[1]);
        }
        return null;
    }

    private static bool IsGone(Exception e) =>
        e is FileNotFoundException or DirectoryNotFoundException or IOException { HResult: (int)Errno.ENODEV };

    private void KillEach()
    {
        foreach (var directory in Directory.EnumerateDirectories(Path, "*", SearchOption.AllDirectories).Append(Path))
        {
            foreach (var pid in At(directory).Processes())
            {
                using var process = PidHandle.TryOpen(pid);
                process?.Send(Signal.Kill);
            }
        }
        Thread.Sleep(1);
    }

    private bool TryRemove()
    {
        try
        {
            // Deepest first. rmdir(2) on the directory alone: the files in it are the kernel's and cannot be unlinked.
            foreach (var child in Directory.EnumerateDirectories(Path))
            {
                if (!At(child).TryRemove())
                    return false;
            }
            Directory.Delete(Path, recursive: false);
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return !Exists;
        }
    }
}
