using System.CommandLine;
using Weft.Lab.Daemon;
using Weft.Lab.Topology;

namespace Weft.Cli.Lab;

/// <summary><c>weft lab …</c>: a cluster of network namespaces on this machine.</summary>
internal static class LabCommands
{
    public static Command Create() => new("lab", "A multi-node Kubernetes network on this machine.")
    {
        UpCommand.Create(),
        StatusCommands.Status(),
        StatusCommands.List(),
        RunCommands.Exec(),
        RunCommands.Logs(),
        RunCommands.Kubectl(),
        RunCommands.Kubeconfig(),
        DownCommand.Create(),
        ServeCommands.Serve(),
        ServeCommands.ExecContainer(),
    };

    /// <summary>The option that every lab command takes.</summary>
    public static Option<string> NameOption() => new("--name", "-n")
    {
        Description = "The lab",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("WEFT_LAB") is { Length: > 0 } name ? name : LabTopology.DefaultName,
    };

    /// <summary>Runs a command's body; what goes wrong becomes one sentence and exit status 1.</summary>
    public static async Task<int> GuardAsync(Func<Task<int>> body)
    {
        try
        {
            return await body();
        }
        catch (Exception e) when (e is LabException or ArgumentException or FormatException or Kernel.KernelException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync("weft: " + e.Message);
            return 1;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("weft: interrupted");
            return 130;
        }
    }
}
