using Weft.Agent.Cni;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Primitives;
using Weft.Reconcile;
using Weft.Store;

namespace Weft.Agent.Flow;

/// <summary>Attachments of the CNI server enter the store like any other row; they are in force when a snapshot that holds them has been applied.</summary>
internal sealed class StoreAttachments : IAttachments
{
    /// <summary>
    /// How many passes have to fail one after another before the datapath counts as broken: most failures are mended by the next pass, and with the
    /// flow's delays this many take some seconds.
    /// </summary>
    private const int Patience = 6;

    /// <summary>How often drift is looked for again when passes go on meanwhile.</summary>
    private const int DriftAttempts = 3;

    private readonly ClusterStore _store;
    private readonly NodeFlow _flow;
    private readonly AttachmentDrift _drift;
    private int _failing;

    public StoreAttachments(ClusterStore store, NodeFlow flow, AttachmentDrift drift)
    {
        (_store, _flow, _drift) = (store, flow, drift);
        flow.Passed += pass => _failing = pass.InForce ? 0 : _failing + 1;
    }

    public string? Problem =>
        Volatile.Read(ref _failing) >= Patience ? _flow.Latest?.Failure : null;

    public void Upsert(Attachment attachment) => _store.Attachments.Upsert(attachment.Key, attachment);

    public void Remove(AttachmentKey key) => _store.Attachments.Remove(key);

    public async Task PodKnownAsync(ObjectKey pod, string? uid, CancellationToken cancel)
    {
        var snapshot = _store.Current;
        while (!snapshot.Workloads.TryGetValue(pod, out var workload) || !(string.IsNullOrEmpty(uid) || workload.Uid == uid))
            snapshot = await _store.WaitForNewerAsync(snapshot.Revision, cancel);
    }

    public async Task<AttachmentStatus> InForceAsync(Attachment attachment, CancellationToken cancel)
    {
        var revision = _store.Current.Revision;
        var pass = await _flow.UntilAsync(p => p.Snapshot.Revision >= revision, cancel);
        // Policies and links of others may fail for reasons of their own; only what concerns this pod, or the whole table, holds it back.
        if (pass.Report.AbsentLinks.Contains(attachment.HostInterface))
            return new AttachmentStatus(false, $"the link {attachment.HostInterface} is missing");
        var mine = pass.Report.Failures.FirstOrDefault(f => Concerns(f.Object, attachment));
        return mine is null ? AttachmentStatus.Ready : new AttachmentStatus(false, $"{mine.Object}: {mine.Operation}: {mine.Error}");
    }

    public async Task<IReadOnlyList<string>> DriftAsync(Attachment attachment, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            var pass = await _flow.UntilAsync(_ => true, cancel);
            var problems = await Task.Run(() => _drift.Find(attachment, pass.Desired), cancel);
            // "should allow a reasonable convergence delay": a pass under way may have brought the kernel ahead of what was compared with it.
            if (problems.Count == 0 || attempt == DriftAttempts || (ReferenceEquals(pass, _flow.Latest) && _store.Current.Revision == pass.Snapshot.Revision))
                return problems;
            var revision = _store.Current.Revision;
            await _flow.UntilAsync(p => p.Snapshot.Revision >= revision, cancel);
        }
    }

    private static bool Concerns(string failed, Attachment attachment) =>
        failed.Contains("nft", StringComparison.OrdinalIgnoreCase)
        || failed.Contains(attachment.HostInterface, StringComparison.Ordinal)
        || failed.Contains(IfbLink.NameFor(attachment.HostInterface), StringComparison.Ordinal)
        || attachment.Addresses.Any(a => failed.Contains($"{a}/", StringComparison.Ordinal));
}
