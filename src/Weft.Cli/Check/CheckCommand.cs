using System.CommandLine;
using Spectre.Console;
using Weft.Cli.Lab;
using Weft.Lab.Daemon;
using Weft.Lab.Topology;

namespace Weft.Cli.Check;

/// <summary><c>weft check</c>: the machine, and the lab if one runs; exit status 1 when a line failed.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var name = LabCommands.NameOption();
        var command = new Command("check", "Check this machine and a running lab with real probes.") { name };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(() => RunAsync(parse.GetValue(name)!, cancel)));
        return command;
    }

    private static async Task<int> RunAsync(string name, CancellationToken cancel)
    {
        var report = new CheckReport();
        MachineChecks.Run(report);
        var lab = await LabManager.StateAsync(name, cancel);
        if (lab is { Topology: { } topology, Status: not null })
            await new LabChecks(new LabPaths(name), topology, report).RunAsync(cancel);
        else
            AnsiConsole.MarkupLineInterpolated($"[grey]no lab {name} runs here; weft lab up makes one[/]");
        AnsiConsole.MarkupLineInterpolated($"{report.Passed} passed, {report.Failed} failed");
        return report.Failed == 0 ? 0 : 1;
    }
}
