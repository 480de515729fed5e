using System.CommandLine;
using System.Diagnostics;
using Spectre.Console;
using Weft.Lab.Daemon;
using Weft.Lab.Topology;

namespace Weft.Cli.Lab;

internal static class UpCommand
{
    public static Command Create()
    {
        var nodes = new Option<int>("--nodes") { Description = "How many nodes", DefaultValueFactory = _ => 3 };
        var family = new Option<string>("--ip-family") { Description = "ipv4, ipv6 or dual", DefaultValueFactory = _ => "ipv4" };
        var mtu = new Option<int>("--mtu") { Description = "MTU of the underlay in bytes", DefaultValueFactory = _ => 1500 };
        var wait = new Option<bool>("--wait") { Description = "Wait until all nodes are ready (always so; kept for scripts)" };
        var name = LabCommands.NameOption();
        var command = new Command("up", "Bring a lab up and wait until its nodes are ready.") { nodes, name, family, mtu, wait };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(async () =>
        {
            var topology = LabTopology.Create(
                parse.GetValue(name)!, parse.GetValue(nodes), IpFamilies.Parse(parse.GetValue(family)!), parse.GetValue(mtu));
            return await RunAsync(topology, cancel);
        }));
        return command;
    }

    private static async Task<int> RunAsync(LabTopology topology, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        bool started;
        if (Console.IsOutputRedirected)
        {
            string last = "";
            started = await LabManager.UpAsync(topology, p =>
            {
                if (p.Message != last)
                    Console.WriteLine($"{clock.Elapsed.TotalSeconds,6:0.00}s  {p.Message}");
                last = p.Message;
            }, cancel);
        }
        else
        {
            started = await AnsiConsole.Status().StartAsync($"lab {topology.Name}: starting", context => LabManager.UpAsync(
                topology,
                p => context.Status($"lab {topology.Name}: {Markup.Escape(p.Message)}{(p.Of > 0 ? $" ({p.Done}/{p.Of})" : "")}"),
                cancel));
        }

        Console.WriteLine(started
            ? $"lab {topology.Name} is up: {topology.NodeCount} node{(topology.NodeCount == 1 ? "" : "s")} ready in {clock.Elapsed.TotalSeconds:0.0} s"
            : $"lab {topology.Name} is running already");
        Console.WriteLine($"kubectl: weft lab kubectl{Suffix(topology)} -- get pods -A    or    export KUBECONFIG={new LabPaths(topology.Name).Kubeconfig}");
        return 0;
    }

    private static string Suffix(LabTopology topology) => topology.Name == LabTopology.DefaultName ? "" : $" --name {topology.Name}";
}
