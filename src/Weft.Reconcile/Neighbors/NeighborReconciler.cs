using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Neighbors;

/// <summary>Permanent neighbor entries on Weft's own links. What the kernel learned there by itself is left to it.</summary>
public sealed class NeighborReconciler(INetlink netlink) : IReconciler
{
    private IReadOnlyList<ObservedNeighbor> _observed = [];

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Neighbors)
            Set(desired.Routing, report);
        else if (step == ApplyStep.DeleteNeighbors)
            Delete(desired.Routing, report);
    }

    private void Set(RoutingState desired, ReconcileReport report)
    {
        _observed = [];
        _observed = netlink.Neighbors();
        var present = _observed.Where(n => n is { Permanent: true, Mac: not null })
            .Select(n => new Neighbor(n.Link, n.Address, n.Mac!.Value)).ToHashSet();
        var pods = new PodLinks(desired, netlink);
        var changes = new NetlinkChanges(netlink, report);
        foreach (var neighbor in desired.Neighbors)
        {
            if (!present.Contains(neighbor) && !pods.Awaits(neighbor.Link))
                changes.Add($"neighbor {neighbor.Address} dev {neighbor.Link}", new ReplaceNeighbor(neighbor));
        }
        changes.Carry();
    }

    private void Delete(RoutingState desired, ReconcileReport report)
    {
        var wanted = desired.Neighbors.Select(n => (n.Link, n.Address)).ToHashSet();
        var links = desired.Links.Select(l => l.Name).ToHashSet(StringComparer.Ordinal);
        var changes = new NetlinkChanges(netlink, report);
        foreach (var observed in _observed)
        {
            // Multicast entries are NUD_NOARP and learned ones reachable or stale: neither is permanent.
            if (observed.Permanent && links.Contains(observed.Link) && !wanted.Contains((observed.Link, observed.Address)))
                changes.Add($"neighbor {observed.Address} dev {observed.Link}", new DeleteNeighbor(observed.Link, observed.Address));
        }
        changes.Carry(Errno.ENOENT, Errno.ENODEV);
    }
}
