using Weft.Kernel.Mounts;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Processes;
using Weft.Lab.Topology;

namespace Weft.Lab.Tests.Runs;

/// <summary>What of a lab is on this machine: everything that `down` must have removed.</summary>
internal sealed record MachineState(IReadOnlyList<string> Things)
{
    public static MachineState Of(params string[] labs)
    {
        var things = new SortedSet<string>(StringComparer.Ordinal);
        things.UnionWith(Directory.EnumerateFileSystemEntries("/sys/class/net").Select(p => "link " + Path.GetFileName(p)));
        foreach (string lab in labs)
        {
            var paths = new LabPaths(lab);
            things.UnionWith(NetNamespace.Names().Where(n => n.StartsWith(paths.NamespacePrefix, StringComparison.Ordinal)).Select(n => "namespace " + n));
            things.UnionWith(Directory.EnumerateDirectories(Cgroup.Root().Path).Where(d => Path.GetFileName(d) == paths.CgroupName).Select(d => "cgroup " + d));
            things.UnionWith(MountTable.Read().Where(m => m.Target.Contains($"/labs/{lab}", StringComparison.Ordinal) || m.Target.Contains(paths.NamespacePrefix, StringComparison.Ordinal))
                .Select(m => "mount " + m.Target));
            things.UnionWith(new[] { paths.State, paths.Runtime, paths.LockFile, paths.BpfPins }.Where(Path.Exists).Select(p => "path " + p));
            things.UnionWith(Processes(lab).Select(p => "process " + p));
        }

        return new MachineState([.. things]);
    }

    /// <summary>Processes whose command line or environment names the lab.</summary>
    private static IEnumerable<string> Processes(string lab)
    {
        foreach (string directory in Directory.EnumerateDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out _)))
        {
            string text;
            try
            {
                text = File.ReadAllText(directory + "/cmdline").Replace('\0', ' ');
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            if (text.Contains($"--name {lab} ", StringComparison.Ordinal) || text.Contains($"/labs/{lab}/", StringComparison.Ordinal) || text.Contains(Marker(lab), StringComparison.Ordinal))
                yield return $"{Path.GetFileName(directory)} {text}";
        }
    }

    /// <summary>An argument that test pods carry, to find their processes by.</summary>
    public static string Marker(string lab) => $"pod-of-{lab}";
}
