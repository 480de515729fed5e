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
        var covered = missing.Select(path => table.Where(target => IsUnder(path, target)).MaxBy(target => target.Length) ?? "/").ToHashSet();
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
        foreach (var path in missing)
            Make(root + path, isFile: mounts.Any(m => m.Target == path && File.Exists(m.Source)));
        Mounting.Check(Native.Chroot(root), $"change root to {root}");
        Mounting.Check(Native.Chdir("/"), "enter the new root");
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
