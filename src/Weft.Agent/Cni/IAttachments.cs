using Weft.Model;
using Weft.Model.Ipam;

namespace Weft.Agent.Cni;

/// <summary>Whether all that an attachment needs of the node (routes, neighbors, policy) is in the kernel.</summary>
/// <param name="Problem">When not in force: what the node could not apply, or null when it only has not come to it yet.</param>
public sealed record AttachmentStatus(bool InForce, string? Problem = null)
{
    public static AttachmentStatus Ready { get; } = new(true);
}

/// <summary>
/// Port from the CNI server to the rest of the agent: where attachments enter the store that the compilers read. All members may be called
/// from several threads at once; <see cref="Upsert"/> and <see cref="Remove"/> do no I/O and do not block.
/// </summary>
public interface IAttachments
{
    /// <summary>Adds or replaces the attachment with this key.</summary>
    void Upsert(Attachment attachment);

    /// <summary>Removes an attachment; without one it does nothing.</summary>
    void Remove(AttachmentKey key);

    /// <summary>Completes when the node has heard of the pod from the API, and so knows its labels.</summary>
    /// <param name="uid">The pod's, as the runtime has it; null or empty for any pod of the name.</param>
    Task PodKnownAsync(ObjectKey pod, string? uid, CancellationToken cancel);

    /// <summary>
    /// Completes when the desired state compiled with this attachment has been applied to the kernel (or its application has failed).
    /// Called after <see cref="Upsert"/> and after the host interface exists.
    /// </summary>
    Task<AttachmentStatus> InForceAsync(Attachment attachment, CancellationToken cancel);

    /// <summary>What of the node's side of an attachment (link, route, neighbor, rules) is not as desired now, one sentence each.</summary>
    Task<IReadOnlyList<string>> DriftAsync(Attachment attachment, CancellationToken cancel);

    /// <summary>Why the node's datapath is not in force for the containers it has, when that lasts; null when it is.</summary>
    string? Problem { get; }
}
