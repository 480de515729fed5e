using System.CommandLine;
using Weft.Drill;

// Without --inside it makes a machine of its own, a network and a mount namespace, and starts itself in there.
var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1, Description = "Seed of the schedule: the same seed kills at the same places" };
var count = new Option<int>("--count") { DefaultValueFactory = _ => 10_000, Description = "Attachments in all" };
var workers = new Option<int>("--workers") { DefaultValueFactory = _ => 16, Description = "Callers at once" };
var inside = new Option<string?>("--inside") { Hidden = true };
var root = new RootCommand("Attaches and detaches containers in parallel while agent and plugin are killed, then proves that nothing leaked.") { seed, count, workers, inside };
root.SetAction(async (result, cancel) =>
{
    var options = new DrillOptions(result.GetValue(seed), result.GetValue(count), result.GetValue(workers));
    if (result.GetValue(inside) is not { } directory)
        return DrillMachine.RunInside(options);
    var report = await new Drill(options, directory, Console.Error.WriteLine).RunAsync(cancel);
    Console.Write(report.Text());
    return report.Violations.Count == 0 ? 0 : 1;
});
return await root.Parse(args).InvokeAsync();
