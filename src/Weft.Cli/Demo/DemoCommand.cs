using System.CommandLine;
using Spectre.Console;
using Weft.Cli.Lab;
using Weft.Lab.Daemon;
using Weft.Lab.Topology;

namespace Weft.Cli.Demo;

/// <summary><c>weft demo</c>: the whole story on a lab of its own, which it takes down again.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var name = new Option<string>("--name") { Description = "Name of the lab it makes", DefaultValueFactory = _ => "demo" };
        var keep = new Option<bool>("--keep") { Description = "Leave the lab up at the end" };
        var command = new Command("demo", "Three nodes, an application, and policies before and after; a mismatch is exit status 1.") { name, keep };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(() => RunAsync(parse.GetValue(name)!, parse.GetValue(keep), cancel)));
        return command;
    }

    private static async Task<int> RunAsync(string name, bool keep, CancellationToken cancel)
    {
        // A pipe has no width of its own, and tables cut at 80 columns say nothing.
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = 140;
        var stage = new Stage();
        var topology = LabTopology.Create(name, 3, IpFamily.IPv4);
        LabManager.Down(name);
        try
        {
            await new DemoStory(stage, new DemoCluster(new LabPaths(name), topology)).TellAsync(cancel);
        }
        finally
        {
            if (keep)
                AnsiConsole.MarkupLineInterpolated($"\nThe lab stays: weft lab status --name {name}; weft lab down --name {name}");
            else
                LabManager.Down(name);
        }
        AnsiConsole.WriteLine();
        AnsiConsole.MarkupLine(stage.Mismatches == 0
            ? $"[bold green]All {stage.Claims} claims held[/] in {stage.Seconds:0.0} s; nothing is left behind."
            : $"[bold red]{stage.Mismatches} of {stage.Claims} claims did not hold.[/]");
        return stage.Mismatches == 0 ? 0 : 1;
    }
}
