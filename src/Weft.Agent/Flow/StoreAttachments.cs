using Weft.Agent.Cni;
using Weft.Model.Ipam;
using Weft.Store;

namespace Weft.Agent.Flow;

/// <summary>Attachments of the CNI server enter the store like any other row; they are in force when a snapshot that holds them has been applied.</summary>
internal sealed class StoreAttachments(ClusterStore store, NodeFlow flow) : IAttachments
{
    public void Upsert(Attachment attachment) => store.Attachments.Upsert(attachment.Key, attachment);

    public void Remove(AttachmentKey key) => store.Attachments.Remove(key);

    public async Task<AttachmentStatus> InForceAsync(Attachment attachment, CancellationToken cancel)
    {
        var revision = store.Current.Revision;
        var pass = await flow.UntilAsync(p => p.Snapshot.Revision >= revision, cancel);
        // Policies and links of others may fail for reasons of their own; only what concerns this pod, or the whole table, holds it back.
        var mine = pass.Report.Failures.FirstOrDefault(f => Concerns(f.Object, attachment));
        return mine is null ? AttachmentStatus.Ready : new AttachmentStatus(false, $"{mine.Object}: {mine.Operation}: {mine.Error}");
    }

    private static bool Concerns(string failed, Attachment attachment) =>
        failed.Contains("nft", StringComparison.OrdinalIgnoreCase)
        || failed.Contains(attachment.HostInterface, StringComparison.Ordinal)
        || attachment.Addresses.Any(a => failed.Contains($"{a}/", StringComparison.Ordinal));
}
