using Microsoft.Extensions.Logging;
using Weft.Compile;
using Weft.Model;
using Weft.Primitives;
using Weft.Reconcile;
using Weft.Store;

namespace Weft.Agent.Flow;

/// <summary>
/// The agent's one loop: newest snapshot, compile, reconcile, and again when there is something newer. Changes that come while a pass runs
/// are taken together by the next. A pass that left something undone is repeated with growing delays, and one that trusts nothing remembered of
/// the kernel runs now and then, and when <see cref="Mend"/> asks for it, to mend what somebody else changed.
/// </summary>
internal sealed partial class NodeFlow(ClusterStore store, NodeConfig config, NodeReconciler reconciler, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Resync = TimeSpan.FromSeconds(30);

    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(10));
    private readonly Lock _gate = new();
    private TaskCompletionSource _passed = New();
    private TaskCompletionSource _mend = New();
    private long _begun;
    private volatile Pass? _latest;

    /// <summary>The last pass; null until the store has synced and the first pass is over.</summary>
    public Pass? Latest => _latest;

    /// <summary>Called after every pass, before those who wait for one go on.</summary>
    public event Action<Pass>? Passed;

    public async Task RunAsync(CancellationToken cancel)
    {
        await store.Synced.WaitAsync(cancel);
        var trusted = time.GetTimestamp();
        while (true)
        {
            _begun++;
            var pass = await Task.Run(Turn, cancel);
            Publish(pass);
            var untilResync = Resync - time.GetElapsedTime(trusted);
            await NewerAsync(pass.Snapshot.Revision, Shortest(untilResync, pass.InForce ? pass.Report.Continuation : _backoff.Next()), cancel);
            if (!_mend.Task.IsCompleted && time.GetElapsedTime(trusted) < Resync)
                continue;
            lock (_gate)
                _mend = New();
            reconciler.Forget();
            trusted = time.GetTimestamp();
        }
    }

    /// <summary>Asks for a pass soon that reads everything from the kernel: somebody else has changed it.</summary>
    public void Mend()
    {
        lock (_gate)
            _mend.TrySetResult();
    }

    /// <summary>The first pass for which the condition holds, the latest one included.</summary>
    public async Task<Pass> UntilAsync(Func<Pass, bool> condition, CancellationToken cancel)
    {
        while (true)
        {
            Task passed;
            lock (_gate)
            {
                if (_latest is { } latest && condition(latest))
                    return latest;
                passed = _passed.Task;
            }
            await passed.WaitAsync(cancel);
        }
    }

    private Pass Turn()
    {
        var snapshot = store.Current;
        var start = time.GetTimestamp();
        var desired = NodeCompiler.Compile(config, snapshot);
        var compiled = time.GetTimestamp();
        var report = reconciler.Apply(desired);
        return new Pass(_begun, snapshot, desired, report, time.GetElapsedTime(start, compiled), time.GetElapsedTime(compiled));
    }

    private void Publish(Pass pass)
    {
        var before = _latest;
        Passed?.Invoke(pass);
        TaskCompletionSource passed;
        lock (_gate)
        {
            _latest = pass;
            passed = _passed;
            _passed = New();
        }
        passed.SetResult();
        if (pass.InForce)
            _backoff.Reset();
        if (before is null)
            LogFirst(pass.Snapshot.Revision, pass.Report.Writes, pass.CompileTime.TotalMilliseconds, pass.ApplyTime.TotalMilliseconds);
        foreach (var failure in pass.Report.Failures)
        {
            // Said once: a failure that stays is seen in health and in drift.
            if (before is null || !before.Report.Failures.Contains(failure))
                LogFailure(failure.Object, failure.Operation, failure.Error);
        }
    }

    // Until there is a newer snapshot, somebody calls Mend, or the time is over.
    private async Task NewerAsync(long revision, TimeSpan atMost, CancellationToken cancel)
    {
        if (atMost <= TimeSpan.Zero)
            return;
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        wait.CancelAfter(atMost);
        await Task.WhenAny(store.WaitForNewerAsync(revision, wait.Token), _mend.Task);
        await wait.CancelAsync();
        cancel.ThrowIfCancellationRequested();
    }

    private static TimeSpan Shortest(TimeSpan time, TimeSpan? other) => other is { } shorter && shorter < time ? shorter : time;

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(Level = LogLevel.Information, Message = "first pass: revision {Revision}, {Writes} writes, compiled in {CompileMs:0.0} ms, applied in {ApplyMs:0.0} ms")]
    private partial void LogFirst(long revision, int writes, double compileMs, double applyMs);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Object}: {Operation}: {Error}")]
    private partial void LogFailure(string @object, string operation, string error);
}
