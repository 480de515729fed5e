using System.Diagnostics.CodeAnalysis;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Processes;
using Weft.Lab.Topology;

namespace Weft.Lab.Daemon;

/// <summary>Running a command on one of a lab's machines.</summary>
public static class LabExec
{
    /// <summary>Turns this process into the command, inside the machine's network namespace. It joins the lab's cgroup, so <c>down</c> ends it.</summary>
    /// <exception cref="LabException">There is no such lab or machine.</exception>
    /// <exception cref="Weft.Kernel.KernelException">The command cannot be executed.</exception>
    [DoesNotReturn]
    public static void Run(LabPaths paths, string machine, IReadOnlyList<string> command)
    {
        string ns = paths.NamespacePrefix + machine;
        if (machine.Contains('/', StringComparison.Ordinal) || !NetNamespace.Names().Contains(ns))
        {
            var machines = NetNamespace.Names().Where(n => n.StartsWith(paths.NamespacePrefix, StringComparison.Ordinal))
                .Select(n => n[paths.NamespacePrefix.Length..]).Where(n => !n.StartsWith("pod-", StringComparison.Ordinal)).ToList();
            throw new LabException(machines.Count == 0
                ? $"there is no lab {paths.Name}: bring it up with weft lab up --name {paths.Name}"
                : $"lab {paths.Name} has no machine \"{machine}\": use one of {string.Join(", ", machines)}");
        }

        var group = LabProcesses.ExecGroup(paths);
        group.Create();
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
            environment[(string)entry.Key] = entry.Value as string ?? "";
        ContainerLauncher.Exec(new ContainerSpec
        {
            Command = command,
            Environment = environment,
            NetNamespacePath = NetNamespace.PathOf(ns),
            CgroupPath = group.Path,
            HostName = machine,
            WorkingDirectory = Directory.GetCurrentDirectory(),
        });
    }
}
