using Weft.Kernel.Libc;
using Weft.Kernel.Mounts;

namespace Weft.Kernel.Processes;

/// <summary>
/// A root directory like the host's in which mount points can be made without the host seeing them: file systems that lack one are
/// covered by an overlay whose upper layer is in memory, all others are bound as they are.
/// </summary>
internal static class PrivateRoot
{
    /// <summary>Builds the root under a scratch directory and moves the calling thread (which has its own mount namespace) into it.</summary>
    /// <param name="missing">Absolute paths to make: a directory, or an empty file where a mount of that target has a file as its source.</param>
    internal static void Enter(string scratch, IReadOnlyList<string> missing, IReadOnlyList<ContainerMount> mounts)
    {
        var table = MountTable.Read().Select(m => m.Target).Where(target => !IsUnder(target, scratch)).Distinct().ToList();
        Mounting.Tmpfs(scratch, "mode=755");
        var root = $"{scratch}/root";
        Directory.CreateDirectory(root);
        // Where a path really leads: /var/run is a link to /run on every Debian, and /run another file system on most.
        var places = missing.Select(path => (Path: Resolve(path), IsFile: mounts.Any(m => m.Target == path && File.Exists(m.Source)))).ToList();
        var covered = places.Select(place => place.Path).Select(path => table.Where(target => IsUnder(path, target)).MaxBy(target => target.Length) ?? "/").ToHashSet();
        // The root itself always becomes an overlay: it must be a mount point of its own to be entered.
        Overlay("/", root, scratch, 0);
        for (var i = 0; i < table.Count; i++)
        {
            var target = table[i];
            // A mount point may be hidden below a later mount, or be a file; what cannot be seen is not carried over.
            if (target == "/" || !Path.Exists(target))
                continue;
            if (covered.Contains(target) && Directory.Exists(target))
                Overlay(target, root + target, scratch, i + 1);
            else
                _ = Native.Mount(target, root + target, "none", Native.MS_BIND, null);
        }
        Mounting.Check(Native.Chroot(root), $"change root to {root}");
        Mounting.Check(Native.Chdir("/"), "enter the new root");
        // Only now: from outside, an absolute link in the new root would lead back to the host's own files.
        foreach (var (path, isFile) in places)
            Make(path, isFile);
    }

    /// <summary>An absolute path with the symbolic links of its existing part followed, as path_resolution(7) does.</summary>
    internal static string Resolve(string path)
    {
        // The kernel gives up after as many (MAXSYMLINKS).
        const int mostLinks = 40;
        var links = 0;
        var rest = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var resolved = new List<string>();
        while (rest.TryPop(out var step))
        {
            if (step == ".")
                continue;
            if (step == "..")
            {
                if (resolved.Count > 0)
                    resolved.RemoveAt(resolved.Count - 1);
                continue;
            }
            var here = "/" + string.Join('/', resolved.Append(step));
            if (new FileInfo(here).LinkTarget is not { } target || ++links > mostLinks)
            {
                resolved.Add(step);
                continue;
            }
            if (target.StartsWith('/'))
                resolved.Clear();
            foreach (var part in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                rest.Push(part);
        }
        return "/" + string.Join('/', resolved);
    }

    private static void Overlay(string lower, string target, string scratch, int number)
    {
        var upper = $"{scratch}/upper{number}";
        var work = $"{scratch}/work{number}";
        Directory.CreateDirectory(upper);
        Directory.CreateDirectory(work);
        Mounting.Overlay(target, lower, upper, work);
    }

    private static void Make(string path, bool isFile)
    {
        if (Path.Exists(path))
            return;
        if (!isFile)
        {
            Directory.CreateDirectory(path);
            return;
        }
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Create(path).Dispose();
    }

    private static bool IsUnder(string path, string directory) =>
        directory == "/" || path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);
}
