using Weft.Kernel;
using Weft.Kernel.Mounts;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Processes;
using Weft.Lab.Topology;

namespace Weft.Lab.Daemon;

/// <summary>
/// Removal of everything that a lab may have made, found by name alone and in an order that leaves no user of a thing behind when the
/// thing goes: processes, mounts, namespaces (and with them all links, routes and rules), pins, files.
/// </summary>
internal static class LabCleanup
{
    /// <returns>False when there was nothing.</returns>
    /// <exception cref="LabException">Something could not be removed; names it.</exception>
    public static bool Run(LabPaths paths)
    {
        bool any = RemoveProcesses(paths);
        any |= RemoveMounts(paths);
        any |= RemoveNamespaces(paths.NamespacePrefix);
        foreach (string directory in new[] { paths.BpfPins, paths.Runtime, paths.State })
            any |= RemoveDirectory(directory);
        return any;
    }

    public static bool RemoveProcesses(LabPaths paths)
    {
        Cgroup group;
        try
        {
            group = LabProcesses.Group(paths);
        }
        catch (KernelException)
        {
            return false;
        }

        if (!group.Exists)
            return false;
        if (!group.Delete(TimeSpan.FromSeconds(20)))
        {
            var left = Directory.EnumerateDirectories(group.Path, "*", SearchOption.AllDirectories).Append(group.Path)
                .SelectMany(d => Cgroup.At(d).Processes());
            throw new LabException($"control group {group.Path} cannot be removed: processes {string.Join(", ", left)} do not end");
        }

        return true;
    }

    private static bool RemoveMounts(LabPaths paths)
    {
        var mounts = MountTable.Read().Select(m => m.Target).Where(t => IsUnder(t, paths.State) || IsUnder(t, paths.Runtime)).ToList();
        // Last mounted, first gone: mounts may lie upon one another.
        mounts.Reverse();
        foreach (string mount in mounts)
            Mounting.Detach(mount);
        return mounts.Count > 0;
    }

    public static bool RemoveNamespaces(string prefix)
    {
        bool any = false;
        foreach (string name in NetNamespace.Names().Where(n => n.StartsWith(prefix, StringComparison.Ordinal)))
            any |= NetNamespace.Delete(name);
        return any;
    }

    private static bool RemoveDirectory(string directory)
    {
        if (!Directory.Exists(directory))
            return false;
        try
        {
            Directory.Delete(directory, recursive: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"directory {directory} cannot be removed: {e.Message}", e);
        }
    }

    private static bool IsUnder(string path, string directory) =>
        path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);
}
