using System.CommandLine;
using System.Net;
using System.Text.Json;
using Weft.Cli.Lab;
using Weft.Cli.Show;
using Weft.Compile.Ipam;
using Weft.Lab.Daemon;
using Weft.Model.Tables;
using Weft.Primitives;

namespace Weft.Cli.Ipam;

/// <summary><c>weft ipam</c>: who has which address, what is wrong with that, and how to mend it.</summary>
internal static class IpamCommand
{
    public static Command Create() => new("ipam", "Addresses of pods: who has them, what leaked, and how to get it back.") { Show(), Check(), Why(), Release() };

    private static Command Show()
    {
        var node = new Option<string?>("--node") { Description = "One node (all without it)" };
        var each = new Option<bool>("--addresses") { Description = "Every address that is held or rests, instead of the ranges" };
        var output = OutputOption();
        var name = LabCommands.NameOption();
        var command = new Command("show", "Show the ranges of the nodes and how full they are.") { node, each, output, name };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(() => WithAgentsAsync(parse.GetValue(name)!, parse.GetValue(node), async agents =>
        {
            var tables = await TablesAsync(agents, parse.GetValue(each) ? "addresses" : "ranges", cancel);
            Print(
                new ShowTable(
                    tables[0].Table.Name,
                    [.. tables[0].Table.Columns.Prepend("NODE")],
                    tables.SelectMany(t => t.Table.Rows.Select(row => (EquatableArray<string>)[t.Node, .. row])).ToEquatableArray()),
                parse.GetValue(output)!);
            return 0;
        })));
        return command;
    }

    private static Command Check()
    {
        var output = OutputOption();
        var name = LabCommands.NameOption();
        var command = new Command("check", "Compare records, interfaces, pods, blocks and loans of all nodes; exit status 1 with findings.") { output, name };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(() => WithAgentsAsync(parse.GetValue(name)!, null, async agents =>
        {
            var addresses = await TablesAsync(agents, "addresses", cancel);
            var blocks = await agents[0].IpamAsync("blocks", cancel);
            var findings = IpamFindings.Of([.. addresses.Select(a => (a.Node, a.Table))], blocks, await TablesAsync(agents, "interfaces", cancel));
            if (findings.Rows.Count > 0 || parse.GetValue(output) == "json")
                Print(findings, parse.GetValue(output)!);
            else
                Console.WriteLine($"{addresses.Sum(a => a.Table.Rows.Count(r => r[1] is "held" or "borrowed"))} addresses in use on {agents.Count} nodes; nothing is wrong with them");
            return findings.Rows.Count > 0 ? 1 : 0;
        })));
        return command;
    }

    private static Command Why()
    {
        var address = AddressArgument();
        var output = OutputOption();
        var name = LabCommands.NameOption();
        var command = new Command("why", "Tell who has an address, on which node, since when, and the proof where it leaked.") { address, output, name };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(() => WithAgentsAsync(parse.GetValue(name)!, null, async agents =>
        {
            var asked = Parse(parse.GetValue(address)!);
            var tables = await TablesAsync(agents, $"why/{asked}", cancel);
            var rows = tables.SelectMany(t => t.Table.Rows.Select(row => (EquatableArray<string>)[t.Node, .. row])).ToEquatableArray();
            if (rows.Count > 0 || parse.GetValue(output) == "json")
                Print(new ShowTable("why", ["NODE", "WHAT", "DETAIL"], rows), parse.GetValue(output)!);
            else
                Console.WriteLine($"no node has {asked} in a range of its own: it is outside of the nodes' pod CIDRs and in no block, so no pod has it");
            return 0;
        })));
        return command;
    }

    private static Command Release()
    {
        var address = AddressArgument();
        var force = new Option<bool>("--force") { Description = "Also when nothing proves that it leaked; whatever uses it loses its network" };
        var name = LabCommands.NameOption();
        var command = new Command("release", "Give back an address that is proven leaked.") { address, force, name };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(() => WithAgentsAsync(parse.GetValue(name)!, null, async agents =>
        {
            var asked = Parse(parse.GetValue(address)!);
            var tables = await TablesAsync(agents, "addresses", cancel);
            var holders = tables.Where(t => t.Table.Rows.Any(r => r[0] == asked.ToString() && r[1] is ("held" or "borrowed" or "lent"))).Select(t => t.Node).ToList();
            if (holders.Count == 0)
                throw new LabException($"no node holds {asked}; weft ipam why {asked} tells what is known of it");
            var status = 0;
            foreach (var agent in agents.Where(a => holders.Contains(a.Node)))
            {
                var (released, text) = await agent.ReleaseAsync(asked, parse.GetValue(force), cancel);
                Console.WriteLine($"node {agent.Node}: {text}");
                status |= released ? 0 : 1;
            }
            return status;
        })));
        return command;
    }

    private static Argument<string> AddressArgument() => new("address") { Description = "An IPv4 or IPv6 address of a pod" };

    private static Option<string> OutputOption()
    {
        var output = new Option<string>("--output", "-o") { Description = "table or json", DefaultValueFactory = _ => "table" };
        output.AcceptOnlyFromAmong("table", "json");
        return output;
    }

    private static IPAddress Parse(string text) =>
        IpPrefix.TryParse(text, out var prefix) && prefix.IsHost && !text.Contains('/') ? prefix.First : throw new LabException($"'{text}' is not an IP address");

    private static async Task<int> WithAgentsAsync(string lab, string? node, Func<IReadOnlyList<AgentClient>, Task<int>> work)
    {
        var agents = AgentClient.OfLab(lab, node);
        try
        {
            return await work(agents);
        }
        finally
        {
            foreach (var agent in agents)
                agent.Dispose();
        }
    }

    private static async Task<IReadOnlyList<(string Node, ShowTable Table)>> TablesAsync(IReadOnlyList<AgentClient> agents, string table, CancellationToken cancel) =>
        await Task.WhenAll(agents.Select(async a => (a.Node, await a.IpamAsync(table, cancel))));

    private static void Print(ShowTable table, string output)
    {
        if (output == "json")
            Console.WriteLine(ShowTableJson.Objects(table).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        else
            ShowCommand.Print(table);
    }
}
