using System.Collections.Concurrent;
using Weft.Agent.Cni;
using Weft.Model;
using Weft.Model.Ipam;

namespace Weft.Agent.Tests.Cni;

/// <summary>The store's side: what is published, and an answer to whether it is in force.</summary>
internal sealed class FakeAttachments : IAttachments
{
    public ConcurrentDictionary<AttachmentKey, Attachment> Published { get; } = [];

    public Func<Attachment, CancellationToken, Task<AttachmentStatus>> InForce { get; set; } = (_, _) => Task.FromResult(AttachmentStatus.Ready);

    /// <summary>Pods that the API has shown; null for all.</summary>
    public HashSet<(ObjectKey Pod, string Uid)>? Pods { get; set; }

    public List<string> Drift { get; } = [];

    public string? Problem { get; set; }

    public async Task PodKnownAsync(ObjectKey pod, string? uid, CancellationToken cancel)
    {
        while (Pods is { } known && !known.Any(p => p.Pod == pod && (string.IsNullOrEmpty(uid) || p.Uid == uid)))
            await Task.Delay(1, cancel);
    }

    public Task<IReadOnlyList<string>> DriftAsync(Attachment attachment, CancellationToken cancel) => Task.FromResult<IReadOnlyList<string>>([.. Drift]);

    public void Upsert(Attachment attachment) => Published[attachment.Key] = attachment;

    public void Remove(AttachmentKey key) => Published.TryRemove(key, out _);

    public Task<AttachmentStatus> InForceAsync(Attachment attachment, CancellationToken cancel) => InForce(attachment, cancel);
}
