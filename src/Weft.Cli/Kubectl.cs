using System.Diagnostics;
using Weft.Lab.Daemon;
using Weft.Lab.Topology;

namespace Weft.Cli;

/// <summary>How a command ended and what it printed.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <exception cref="LabException">The command failed; the message has its own words.</exception>
    public CommandResult OrFail(string what) =>
        ExitCode == 0 ? this : throw new LabException($"{what} failed: {(Error.Length > 0 ? Error : Output).Trim()}");

    public IReadOnlyList<string> Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>The real kubectl against a lab, and commands on its machines.</summary>
internal sealed class Kubectl(LabPaths lab)
{
    /// <summary>out/tools beside out/bin, where the set-up puts it, before the PATH.</summary>
    public static string Program
    {
        get
        {
            var beside = Path.Combine(LabBinaries.Directory, "..", "tools", "kubectl");
            return File.Exists(beside) ? Path.GetFullPath(beside) : "kubectl";
        }
    }

    public Task<CommandResult> RunAsync(IEnumerable<string> arguments, CancellationToken cancel, string? input = null) =>
        StartAsync(Program, ["--kubeconfig", lab.Kubeconfig, .. arguments], input, cancel);

    public async Task ApplyAsync(string manifest, CancellationToken cancel) => (await RunAsync(["apply", "-f", "-"], cancel, manifest)).OrFail("kubectl apply");

    /// <summary>A command in a pod, through kubectl exec.</summary>
    public Task<CommandResult> ExecAsync(string ns, string pod, IEnumerable<string> command, CancellationToken cancel) =>
        RunAsync(["exec", "-n", ns, pod, "--", .. command], cancel);

    /// <summary>A command on a node or on the outside host.</summary>
    public Task<CommandResult> OnMachineAsync(string machine, IEnumerable<string> command, CancellationToken cancel) =>
        StartAsync(LabBinaries.Weft, ["lab", "exec", "--name", lab.Name, machine, "--", .. command], null, cancel);

    private static async Task<CommandResult> StartAsync(string program, IEnumerable<string> arguments, string? input, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new LabException($"cannot start {program}: {e.Message}; scripts/setup.sh installs what is needed");
        }
        using (process)
        {
            var output = process.StandardOutput.ReadToEndAsync(cancel);
            var error = process.StandardError.ReadToEndAsync(cancel);
            if (input is not null)
                await process.StandardInput.WriteAsync(input.AsMemory(), cancel);
            process.StandardInput.Close();
            try
            {
                await process.WaitForExitAsync(cancel);
                return new CommandResult(process.ExitCode, await output, await error);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw;
            }
        }
    }
}
