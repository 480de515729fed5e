using System.Diagnostics;
using Weft.Lab.Daemon;

namespace Lab.Tests.Support;

internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <exception cref="InvalidOperationException">The command failed; the message has its own words.</exception>
    public string OrFail() => ExitCode == 0 ? Output : throw new InvalidOperationException($"exit status {ExitCode}: {Error}{Output}");
}

/// <summary>Commands beside a lab: kubectl against it, and programs inside a machine's network namespace.</summary>
internal static class Commands
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Skips the running test where kubectl is not installed.</summary>
    public static void RequireKubectl() => Skip.IfNot(
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, "kubectl"))), "needs kubectl on the PATH");

    public static Task<CommandResult> KubectlAsync(TestLab lab, string? input, params string[] arguments) =>
        FinishAsync(Process.Start(KubectlStart(lab, arguments))!, input);

    public static ProcessStartInfo KubectlStart(TestLab lab, params string[] arguments) =>
        Redirected(new ProcessStartInfo("kubectl", ["--kubeconfig", lab.Paths.Kubeconfig, .. arguments]));

    /// <summary>The program that people use, against a lab.</summary>
    public static Task<CommandResult> WeftAsync(TestLab lab, params string[] arguments) =>
        FinishAsync(Process.Start(Redirected(new ProcessStartInfo(LabBinaries.Weft, [.. arguments, "--name", lab.Topology.Name])))!, null);

    /// <summary>A child is born in the namespace of the thread that starts it.</summary>
    public static Task<CommandResult> InsideAsync(Machine machine, string? input, ProcessStartInfo start) =>
        FinishAsync(machine.Network.Run(() => Process.Start(Redirected(start)))!, input);

    private static ProcessStartInfo Redirected(ProcessStartInfo start)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        return start;
    }

    private static async Task<CommandResult> FinishAsync(Process process, string? input)
    {
        using (process)
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            try
            {
                await process.StandardInput.WriteAsync(input ?? "");
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended without reading; its status says why.
            }
            using var limit = new CancellationTokenSource(Patience);
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw new TimeoutException($"{process.StartInfo.FileName} did not end: {await output}{await error}");
            }
            return new CommandResult(process.ExitCode, await output, await error);
        }
    }
}
