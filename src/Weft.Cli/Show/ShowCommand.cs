using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Weft.Cli.Lab;
using Weft.Model.Tables;
using Weft.Primitives;

namespace Weft.Cli.Show;

/// <summary><c>weft show TABLE</c>: what the agents know, want and find, as a table or as JSON.</summary>
internal static class ShowCommand
{
    // What every agent knows alike is asked of one; what is a node's own is asked of all.
    private static readonly string[] Shared = ["nodes", "pods", "services", "policies", "diagnostics"];
    private static readonly string[] PerNode = ["routes", "nft", "drift"];

    public static Command Create()
    {
        var table = new Argument<string>("table") { Description = string.Join(", ", Shared.Concat(PerNode)) };
        table.AcceptOnlyFromAmong([.. Shared, .. PerNode]);
        var node = new Option<string?>("--node") { Description = "One node's view (all nodes without it)" };
        var output = new Option<string>("--output", "-o") { Description = "table or json", DefaultValueFactory = _ => "table" };
        output.AcceptOnlyFromAmong("table", "json");
        var name = LabCommands.NameOption();
        var command = new Command("show", "Show what the agents know, want and find in the kernel.") { table, node, output, name };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(async () =>
        {
            var shown = await FetchAsync(parse.GetValue(name)!, parse.GetValue(table)!, parse.GetValue(node), cancel);
            if (parse.GetValue(output) == "json")
                Console.WriteLine(ShowTableJson.Objects(shown).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            else
                Print(shown);
            return 0;
        }));
        return command;
    }

    /// <summary>One table of a lab; those that are a node's own get a first column NODE.</summary>
    public static async Task<ShowTable> FetchAsync(string lab, string table, string? node, CancellationToken cancel)
    {
        var agents = AgentClient.OfLab(lab, node);
        try
        {
            if (Shared.Contains(table))
                return await agents[0].TableAsync(table, cancel);
            var tables = await Task.WhenAll(agents.Select(async a => (a.Node, Table: await a.TableAsync(table, cancel))));
            return new ShowTable(
                table,
                [.. tables[0].Table.Columns.Prepend("NODE")],
                tables.SelectMany(t => t.Table.Rows.Select(row => (EquatableArray<string>)[t.Node, .. row])).ToEquatableArray());
        }
        finally
        {
            foreach (var agent in agents)
                agent.Dispose();
        }
    }

    public static void Print(ShowTable table)
    {
        if (Console.IsOutputRedirected)
        {
            Console.Write(table.ToText());
            return;
        }
        var drawn = new Table().Border(TableBorder.Simple);
        foreach (var column in table.Columns)
            drawn.AddColumn(new TableColumn(Markup.Escape(column)));
        foreach (var row in table.Rows)
            drawn.AddRow([.. row.Select(cell => new Text(cell.Length == 0 ? "-" : cell))]);
        AnsiConsole.Write(drawn);
        if (table.Rows.Count == 0)
            AnsiConsole.MarkupLine(table.Name == "drift" ? "[green]no drift: the kernel is as desired[/]" : "[grey]nothing[/]");
    }
}
