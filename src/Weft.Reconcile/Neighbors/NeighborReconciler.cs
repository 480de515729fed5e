using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Neighbors;

/// <summary>
/// Permanent neighbor entries on Weft's own links. What the kernel learned there by itself is left to it. What a pass left there is remembered for
/// the next.
/// </summary>
internal sealed class NeighborReconciler(INetlink netlink, NodeLinks links) : IReconciler
{
    private IReadOnlyList<ObservedNeighbor>? _observed;
    private bool _set;

    public void Forget() => _observed = null;

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Neighbors)
            Set(desired.Routing, report);
        else if (step == ApplyStep.DeleteNeighbors)
            Delete(desired.Routing, report);
    }

    private void Set(RoutingState desired, ReconcileReport report)
    {
        var remembered = _observed;
        _set = false;
        _observed = null;
        _observed = remembered is null ? netlink.Neighbors() : [.. remembered.Where(n => !links.Remade(n.Link))];
        var present = _observed.Where(n => n is { Permanent: true, Mac: not null })
            .Select(n => new Neighbor(n.Link, n.Address, n.Mac!.Value)).ToHashSet();
        var changes = new NetlinkChanges(netlink, report);
        foreach (var neighbor in desired.Neighbors)
        {
            if (!present.Contains(neighbor) && !links.Awaits(neighbor.Link))
                changes.Add($"neighbor {neighbor.Address} dev {neighbor.Link}", new ReplaceNeighbor(neighbor));
        }
        _set = changes.Carry();
    }

    private void Delete(RoutingState desired, ReconcileReport report)
    {
        if (_observed is null)
            return;
        var wanted = desired.Neighbors.Select(n => (n.Link, n.Address)).ToHashSet();
        var own = desired.Links.Select(l => l.Name).ToHashSet(StringComparer.Ordinal);
        var changes = new NetlinkChanges(netlink, report);
        foreach (var observed in _observed)
        {
            // Multicast entries are NUD_NOARP and learned ones reachable or stale: neither is permanent.
            if (observed.Permanent && own.Contains(observed.Link) && !wanted.Contains((observed.Link, observed.Address)))
                changes.Add($"neighbor {observed.Address} dev {observed.Link}", new DeleteNeighbor(observed.Link, observed.Address));
        }
        var deleted = changes.Carry(Errno.ENOENT, Errno.ENODEV);
        _observed = _set && deleted
            ? [.. desired.Neighbors.Where(n => !links.Awaits(n.Link)).Select(n => new ObservedNeighbor(n.Link, n.Address, n.Mac, Permanent: true))]
            : null;
    }
}
