using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Weft.Lab.Daemon;

namespace Weft.Cli.Lab;

internal static class StatusCommands
{
    public static Command Status()
    {
        var name = LabCommands.NameOption();
        var output = OutputOption();
        var command = new Command("status", "Show a lab's nodes and agents; exit status 1 unless all are ready.") { name, output };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(async () =>
        {
            var state = await LabManager.StateAsync(parse.GetValue(name)!, cancel);
            if (parse.GetValue(output) == "json")
                Console.WriteLine((state.Status ?? new JsonObject { ["name"] = state.Name, ["phase"] = state.Phase }).ToJsonString());
            else
                Print(state);
            return state.Status?["nodes"] is JsonArray nodes && nodes.All(n => (bool?)n?["ready"] == true) ? 0 : 1;
        }));
        return command;
    }

    public static Command List()
    {
        var output = OutputOption();
        var command = new Command("list", "List the labs on this machine.") { output };
        command.SetAction((parse, cancel) => LabCommands.GuardAsync(async () =>
        {
            var labs = await LabManager.ListAsync(cancel);
            if (parse.GetValue(output) == "json")
            {
                Console.WriteLine(new JsonArray([.. labs.Select(l => (JsonNode)new JsonObject
                {
                    ["name"] = l.Name, ["phase"] = l.Phase, ["nodes"] = l.Topology?.NodeCount,
                })]).ToJsonString());
                return 0;
            }

            var table = Plain("NAME", "STATE", "NODES", "IP FAMILY", "API");
            foreach (var lab in labs)
            {
                table.AddRow(Cell(lab.Name), Cell(lab.Phase), Cell(lab.Topology?.NodeCount.ToString()),
                    Cell((string?)lab.Status?["ipFamily"]), Cell((string?)lab.Status?["api"]));
            }

            AnsiConsole.Write(table);
            return 0;
        }));
        return command;
    }

    private static Option<string> OutputOption() =>
        new("--output", "-o") { Description = "table or json", DefaultValueFactory = _ => "table" };

    private static void Print(LabState state)
    {
        if (state.Status is not { } status)
        {
            Console.WriteLine(state.Topology is null
                ? $"there is no lab {state.Name}"
                : $"lab {state.Name} is stopped; weft lab up --name {state.Name} --nodes {state.Topology.NodeCount} recovers it with its objects");
            return;
        }

        Console.WriteLine($"lab {state.Name}: {state.Phase}, daemon {status["pid"]}, {status["ipFamily"]}, API {status["api"]}");
        var table = Plain("NODE", "STATE", "ADDRESSES", "POD CIDRS", "ZONE", "AGENT", "PODS", "");
        foreach (var node in status["nodes"]!.AsArray().OfType<JsonObject>())
        {
            bool ready = (bool)node["ready"]!;
            table.AddRow(
                Cell((string?)node["name"]), Cell(ready ? "Ready" : "NotReady"), Cell(Join(node["addresses"])), Cell(Join(node["podCIDRs"])),
                Cell((string?)node["zone"]), Cell((int)node["agentPid"]! == 0 ? "-" : node["agentPid"]!.ToString()),
                Cell($"{node["podsReady"]}/{node["pods"]}"), Cell(ready ? "" : (string?)node["message"]));
        }

        AnsiConsole.Write(table);
    }

    private static string Join(JsonNode? array) => string.Join(',', array!.AsArray().Select(n => (string?)n));

    private static Text Cell(string? text) => new(text ?? "-");

    private static Table Plain(params string[] columns)
    {
        var table = new Table().Border(TableBorder.None);
        foreach (string column in columns)
            table.AddColumn(new TableColumn(new Text(column)).PadRight(2).NoWrap());
        return table;
    }
}
