using Microsoft.Extensions.Logging;
using Weft.Agent.Cni;
using Weft.Agent.Ipam;
using Weft.Wire.Cni;

namespace Weft.Agent.Garbage;

/// <summary>
/// Gives back what runtimes have forgotten. An address is freed when the proof against its holder has lasted for a while and is found once
/// more under the lock that ADD and DEL take; what is only suspect is told.
/// </summary>
internal sealed partial class GarbageCollector(
    AddressStore store, CniOperations operations, GarbageJudge judge, ISandboxes runtime, TimeSpan grace, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan LongestInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly Dictionary<AttachmentRecord, (string Reason, DateTimeOffset Since)> _seen = [];
    private readonly Dictionary<string, long> _collected = [];
    private IReadOnlyList<Suspect> _suspects = [];

    /// <summary>Kept against doubts that have lasted longer than the grace period.</summary>
    public IReadOnlyList<Suspect> Suspects
    {
        get
        {
            lock (_lock)
                return _suspects;
        }
    }

    /// <summary>How many were freed since the agent started, by reason.</summary>
    public IReadOnlyList<(string Reason, long Count)> Collected
    {
        get
        {
            lock (_lock)
                return [.. new[] { GarbageJudge.InterfaceGone, GarbageJudge.SandboxGone }.Select(r => (r, _collected.GetValueOrDefault(r)))];
        }
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        var interval = grace / 4 > LongestInterval ? LongestInterval : grace / 4 < ShortestInterval ? ShortestInterval : grace / 4;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(interval, time, cancel);
                await SweepAsync(cancel);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The next sweep looks again; nothing is freed on a doubt.
                LogFailed(e.Message);
            }
        }
    }

    /// <summary>Looks at every held address once.</summary>
    public async Task SweepAsync(CancellationToken cancel)
    {
        // Asked once a sweep, and only if it matters.
        Task<IReadOnlySet<string>?>? asked = null;
        Task<IReadOnlySet<string>?> Sandboxes() => asked ??= runtime.ListAsync(cancel);
        var doubted = new Dictionary<AttachmentRecord, (string Reason, DateTimeOffset Since)>();
        var suspects = new List<Suspect>();
        foreach (var record in store.Attachments)
        {
            var verdict = await judge.JudgeAsync(record, Sandboxes);
            if (verdict.Kind == VerdictKind.Live)
                continue;
            // Another reason begins anew: every proof must last.
            var since = _seen.TryGetValue(record, out var seen) && seen.Reason == verdict.Reason ? seen.Since : time.GetUtcNow();
            if (since - record.Created < TimeSpan.Zero)
                since = record.Created;
            doubted[record] = (verdict.Reason, since);
            if (time.GetUtcNow() - since < grace)
                continue;
            if (verdict.Kind == VerdictKind.Suspect)
                suspects.Add(new Suspect(record, verdict.Reason, verdict.Proof, since));
            else if (await TryFreeAsync(record) is { } proved)
                Count(record, proved, doubted);
        }
        _seen.Clear();
        foreach (var (record, what) in doubted)
            _seen[record] = what;
        lock (_lock)
            _suspects = suspects;

        async Task<Verdict?> TryFreeAsync(AttachmentRecord record)
        {
            try
            {
                return await operations.FreeAsync(record, ProveAsync, cancel);
            }
            catch (Exception e) when (e is PodNetworkException or CniException)
            {
                // It stays held, and the next sweep tries again.
                LogFailed(e.Message);
                return null;
            }
        }

        async Task<Verdict?> ProveAsync(AttachmentRecord record)
        {
            // The list of this sweep may be older than a sandbox made meanwhile.
            var verdict = await judge.JudgeAsync(record, () => runtime.ListAsync(cancel));
            return verdict.Kind == VerdictKind.Garbage ? verdict : null;
        }
    }

    private void Count(AttachmentRecord record, Verdict proved, Dictionary<AttachmentRecord, (string Reason, DateTimeOffset Since)> doubted)
    {
        doubted.Remove(record);
        lock (_lock)
            _collected[proved.Reason] = _collected.GetValueOrDefault(proved.Reason) + 1;
        LogFreed(string.Join(", ", record.Attachment.Addresses), CniContext.Describe(record.Attachment), proved.Reason, proved.Proof);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "freed {Addresses} of {Attachment}, which leaked ({Reason}): {Proof}")]
    private partial void LogFreed(string addresses, string attachment, string reason, string proof);

    [LoggerMessage(Level = LogLevel.Warning, Message = "looking for leaked addresses: {Problem}")]
    private partial void LogFailed(string problem);
}
