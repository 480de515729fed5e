using System.Diagnostics;
using Weft.Kernel.Processes;
using Weft.Lab.Topology;

namespace Weft.Lab.Daemon;

/// <summary>The lab's processes, found by their cgroups: a process cannot leave those, whatever it forks.</summary>
internal static class LabProcesses
{
    public static Cgroup Group(LabPaths paths) => Cgroup.Root().Child(paths.CgroupName);

    public static Cgroup DaemonGroup(LabPaths paths) => Group(paths).Child("daemon");

    public static Cgroup AgentGroup(LabPaths paths, string node) => Group(paths).Child("agents/" + node);

    public static Cgroup PodsGroup(LabPaths paths) => Group(paths).Child("pods");

    public static Cgroup ExecGroup(LabPaths paths) => Group(paths).Child("exec");

    /// <summary>
    /// Starts the daemon so that it outlives this process and its terminal, with both output streams in the log. A shell does the
    /// redirection, which .NET has no call for.
    /// </summary>
    public static void StartDaemon(LabPaths paths)
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, WorkingDirectory = "/" };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("log=$1; shift; exec setsid \"$@\" </dev/null >>\"$log\" 2>&1 &");
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add(paths.DaemonLog);
        start.ArgumentList.Add(LabBinaries.Weft);
        start.ArgumentList.Add("lab");
        start.ArgumentList.Add("serve");
        start.ArgumentList.Add("--name");
        start.ArgumentList.Add(paths.Name);
        using var shell = Process.Start(start) ?? throw new LabException("/bin/sh cannot be started");
        shell.WaitForExit();
    }
}
