using System.Diagnostics;
using System.Globalization;
using Weft.Kernel.Processes;
using Weft.Lab.Daemon;

namespace Weft.Lab.Kubelet;

/// <summary>
/// A further command inside a running container: in its cgroup, with its environment, and (by nsenter(1) of util-linux, which
/// every Debian has) in its namespaces and under its root.
/// </summary>
internal static class ContainerExec
{
    public static ContainerSpec Spec(ContainerRun run, IReadOnlyList<string> command)
    {
        var enter = new List<string>
        {
            "/usr/bin/nsenter", "--target", run.Pid.ToString(CultureInfo.InvariantCulture), "--mount", "--uts", "--net", "--root", "--wd",
        };
        if (run.Spec.GroupId is { } group)
            enter.Add($"--setgid={group}");
        if (run.Spec.UserId is { } user)
            enter.Add($"--setuid={user}");
        enter.Add("--");
        return new ContainerSpec { Command = [.. enter, .. command], Environment = run.Spec.Environment, CgroupPath = run.Group.Path };
    }

    /// <summary>Runs a command to its end; cancelling kills it.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        ContainerRun run, IReadOnlyList<string> command, string specFile, CancellationToken cancel)
    {
        if (run.HasEnded)
            return (1, "container is not running");
        using var process = ContainerProcess.Start(Spec(run, command), specFile);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancel);
            var errors = process.StandardError.ReadToEndAsync(cancel);
            string text = await output + await errors;
            await process.WaitForExitAsync(cancel);
            return (process.ExitCode, text);
        }
        catch (OperationCanceledException)
        {
            Kill(process);
            throw;
        }
    }

    public static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It has ended meanwhile.
        }
    }
}
