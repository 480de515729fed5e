using Weft.Kubernetes.Status;

namespace Weft.Agent.Flow;

/// <summary>Tells the API, behind the flow's back and at its own pace, what the last pass came to.</summary>
internal static class StatusLoop
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    public static async Task RunAsync(NodeFlow flow, StatusWriter status, CancellationToken cancel)
    {
        var told = 0L;
        while (!cancel.IsCancellationRequested)
        {
            using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            wait.CancelAfter(Retry);
            try
            {
                var pass = await flow.UntilAsync(p => p.Number > told, wait.Token);
                var failure = pass.Report.Failures is [var first, ..] ? first : null;
                await status.WriteAsync(pass.Desired.Diagnostics, failure is null ? null : $"{failure.Object}: {failure.Operation}: {failure.Error}", cancel);
                told = pass.Number;
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                // Nothing new; what could not be said before is tried again with the last pass.
                told = Math.Min(told, (flow.Latest?.Number ?? 0) - 1);
            }
        }
    }
}
