using Weft.Agent.Ipam;
using Weft.Model.Ipam;
using Weft.Wire.Cni;

namespace Weft.Agent.Cni;

/// <summary>What the commands share: the ports that they work through, and the words in which they speak of an attachment.</summary>
internal sealed record CniContext(AddressStore Store, IAddressSource Source, IAttachments Attachments, IPodNetwork Network, CniServerOptions Options)
{
    /// <summary>Undoes an attachment; without one there is nothing to do, which is success (SPEC.md section 2, "DEL").</summary>
    /// <exception cref="PodNetworkException">The kernel refused; the address stays held.</exception>
    public void Detach(AttachmentKey key)
    {
        if (Store.Find(key) is { } record)
            Detach(record);
    }

    /// <summary>
    /// The interface is found by the name of its end in the node's namespace, never by the path of the container's: that may be another
    /// namespace's by now.
    /// </summary>
    public void Detach(AttachmentRecord record)
    {
        // The interface before the address: an address must not be handed out while another interface may still have it.
        if (record.Kind == HoldKind.Attachment)
            Network.Delete(record.Attachment.HostInterface);
        Attachments.Remove(record.Key);
        Store.Release(record.Key);
    }

    /// <exception cref="CniException">Code 4.</exception>
    public void RequireNamespace(string netns)
    {
        if (Network.NamespaceProblem(netns) is { } problem)
            throw new CniException(CniErrorCode.InvalidEnvironment, $"CNI_NETNS: {problem}");
    }

    /// <exception cref="CniException">Code 11: not within the time.</exception>
    public async Task WaitInForceAsync(Attachment attachment, CancellationToken cancel)
    {
        var timeout = Options.InForceTimeout;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(timeout);
        AttachmentStatus status;
        try
        {
            status = await Attachments.InForceAsync(attachment, limit.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            status = new AttachmentStatus(false);
        }
        if (!status.InForce)
            throw new CniException(
                CniErrorCode.TryAgainLater,
                $"routes and policy of {Describe(attachment)} are not in force: {status.Problem ?? $"not applied within {timeout.TotalSeconds:0.#} s"}",
                "weft show drift, on this node, tells what the kernel refused.");
    }

    public static string Addresses(Attachment attachment) => string.Join(", ", attachment.Addresses);

    public static string Describe(Attachment attachment) => attachment.Pod is { } pod
        ? $"pod {pod} (container {attachment.ContainerId}, {attachment.InterfaceName})"
        : $"container {attachment.ContainerId} ({attachment.InterfaceName})";
}
