using System.Diagnostics;
using System.Text.Json.Nodes;
using Weft.Lab.Daemon;

namespace Weft.Drill;

/// <summary>
/// Workers attach, check and detach containers as runtimes do, while agent and plugin are killed where the schedule says; the end is
/// audited. Every call that fails because something died is repeated, as the kubelet repeats it.
/// </summary>
internal sealed class Drill(DrillOptions options, string directory, Action<string> say)
{
    private readonly DrillReport _report = new(options);
    private readonly Schedule _schedule = new(options.Seed, options.Count);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private int _next = -1;

    public async Task<DrillReport> RunAsync(CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        await using var node = await DrillNode.StartAsync(directory, cancel);
        var runtime = new DrillRuntime(node, new PluginCall(LabBinaries.Cni), _report);
        // One worker that cannot go on ends them all: the others would wait for the agent it could not start.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var workers = Task.WhenAll(Enumerable.Range(0, options.Workers).Select(_ => Task.Run(() => OrStopAsync(WorkAsync(node, runtime, stop.Token), stop), cancel)));
        while (await Task.WhenAny(workers, Task.Delay(Interval, cancel)) != workers)
            say($"{Math.Min(_next + 1, options.Count)} of {options.Count} attachments begun, agent killed {node.Kills} times, {_report.Violations.Count} violations");
        if (!stop.IsCancellationRequested)
        {
            await workers;
            await new Audit(node, runtime, _report).RunAsync(cancel);
        }
        _report.Kills = node.Kills;
        _report.Time = clock.Elapsed;
        if (_report.Violations.Count > 0)
            say(node.LogTail(200));
        return _report;
    }

    private async Task OrStopAsync(Task work, CancellationTokenSource stop)
    {
        try
        {
            await work;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _report.Violation($"the drill cannot go on: {e.Message}");
            await stop.CancelAsync();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Another worker could not go on and said so.
        }
    }

    private async Task WorkAsync(DrillNode node, DrillRuntime runtime, CancellationToken cancel)
    {
        var living = new List<(DrilledContainer Container, int Until)>();
        for (var turn = 0; ; turn++)
        {
            var index = Interlocked.Increment(ref _next);
            if (index >= options.Count)
                break;
            var killing = _schedule.KillAgentAt(index) is { } delay ? KillAgentAsync(node, delay, cancel) : Task.CompletedTask;
            if (_schedule.CollectAt(index))
                await runtime.CollectAsync(index % 2, index % 3 == 0 ? 5 : null, cancel);
            var plan = AttachmentPlan.Draw(options.Seed, index);
            if (await runtime.AttachAsync(plan, cancel) is { } container)
                living.Add((container, turn + plan.Lifetime));
            foreach (var (ended, _) in living.Where(l => l.Until <= turn).ToList())
            {
                living.RemoveAll(l => l.Container == ended);
                await runtime.EndAsync(ended, cancel);
            }
            await killing;
        }
        foreach (var (container, _) in living)
            await runtime.EndAsync(container, cancel);
    }

    private static async Task KillAgentAsync(DrillNode node, double delay, CancellationToken cancel)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(delay), cancel);
        await node.RestartAgentAsync(cancel);
    }
}
