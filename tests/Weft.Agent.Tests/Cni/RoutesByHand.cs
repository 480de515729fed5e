using Weft.Agent.Cni;
using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Agent.Tests.Cni;

/// <summary>What the routing compiler and reconcilers do for an attachment.</summary>
internal sealed class RoutesByHand(RouteNetlink netlink) : IAttachments
{
    public void Upsert(Attachment attachment)
    {
    }

    public string? Problem => null;

    public Task PodKnownAsync(ObjectKey pod, string? uid, CancellationToken cancel) => Task.CompletedTask;

    public Task<IReadOnlyList<string>> DriftAsync(Attachment attachment, CancellationToken cancel) => Task.FromResult<IReadOnlyList<string>>([]);

    public void Remove(AttachmentKey key)
    {
    }

    public Task<AttachmentStatus> InForceAsync(Attachment attachment, CancellationToken cancel)
    {
        foreach (var address in attachment.Addresses.Where(_ => netlink.FindLink(attachment.HostInterface) is { Up: true }))
            netlink.ExecuteAll(
                new ReplaceRoute(new Route(IpPrefix.Host(address), attachment.HostInterface)),
                new ReplaceNeighbor(new Neighbor(attachment.HostInterface, address, MacAddress.Parse(attachment.Mac))));
        return Task.FromResult(AttachmentStatus.Ready);
    }
}
