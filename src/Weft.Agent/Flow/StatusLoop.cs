using Weft.Kubernetes.Status;

namespace Weft.Agent.Flow;

/// <summary>Tells the API, behind the flow's back and at its own pace, what the last pass came to.</summary>
/// <param name="notReady">Why pods cannot be attached although the datapath is in force, or null.</param>
internal sealed class StatusLoop(NodeFlow flow, Func<string?> notReady, StatusWriter status, string node, TimeProvider time)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a failure has to last before a node that was open to pods is closed: most are mended by the next pass, and a condition that
    /// comes and goes would move pods about.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private long? _failingSince;

    public async Task RunAsync(CancellationToken cancel)
    {
        var told = 0L;
        while (!cancel.IsCancellationRequested)
        {
            using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            wait.CancelAfter(Retry);
            try
            {
                var pass = await flow.UntilAsync(p => p.Number > told, wait.Token);
                await TellAsync(pass, cancel);
                told = pass.Number;
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                // Nothing new; what could not be said before is tried again with the last pass.
                told = Math.Min(told, (flow.Latest?.Number ?? 0) - 1);
            }
        }
    }

    private async Task TellAsync(Pass pass, CancellationToken cancel)
    {
        var problem = pass.Failure ?? notReady();
        _failingSince = problem is null ? null : _failingSince ?? time.GetTimestamp();
        var observed = pass.Snapshot.Nodes.GetValueOrDefault(node);
        var settled = problem is null || observed?.NetworkUnavailable != false || time.GetElapsedTime(_failingSince!.Value) >= Patience;
        await status.WriteAsync(pass.Desired.Diagnostics, settled ? new NodeNetwork(problem) : null, observed, cancel);
    }
}
