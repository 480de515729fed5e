using System.Collections.Concurrent;
using Weft.Agent.Cni;
using Weft.Model.Ipam;

namespace Weft.Agent.Tests.Cni;

/// <summary>The store's side: what is published, and an answer to whether it is in force.</summary>
internal sealed class FakeAttachments : IAttachments
{
    public ConcurrentDictionary<AttachmentKey, Attachment> Published { get; } = [];

    public Func<Attachment, CancellationToken, Task<AttachmentStatus>> InForce { get; set; } = (_, _) => Task.FromResult(AttachmentStatus.Ready);

    public void Upsert(Attachment attachment) => Published[attachment.Key] = attachment;

    public void Remove(AttachmentKey key) => Published.TryRemove(key, out _);

    public Task<AttachmentStatus> InForceAsync(Attachment attachment, CancellationToken cancel) => InForce(attachment, cancel);
}
