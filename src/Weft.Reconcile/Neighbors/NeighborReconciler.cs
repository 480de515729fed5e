using System.Net;
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
    private readonly Remembered<Neighbor, (string, IPAddress)> _remembered = new(links, n => (n.Link, n.Address), n => n.Link);
    private List<DeleteNeighbor> _gone = [];
    private bool _set;

    public void Forget() => _remembered.Forget();

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Neighbors)
            Set(desired.Routing, report);
        else if (step == ApplyStep.DeleteNeighbors)
            Delete(desired.Routing.Neighbors, report);
    }

    private void Set(RoutingState desired, ReconcileReport report)
    {
        _set = false;
        _gone = [];
        var (missing, gone) = Compare(desired);
        _gone = gone;
        var changes = new NetlinkChanges(netlink, report);
        foreach (var neighbor in missing)
            changes.Add($"neighbor {neighbor.Address} dev {neighbor.Link}", new ReplaceNeighbor(neighbor));
        _set = changes.Carry();
    }

    private void Delete(EquatableArray<Neighbor> desired, ReconcileReport report)
    {
        var changes = new NetlinkChanges(netlink, report);
        foreach (var gone in _gone)
            changes.Add($"neighbor {gone.Address} dev {gone.Link}", gone);
        if (changes.Carry(Errno.ENOENT, Errno.ENODEV) && _set)
            _remembered.Hold(desired);
        else
            _remembered.Forget();
    }

    private (List<Neighbor> Missing, List<DeleteNeighbor> Gone) Compare(RoutingState desired)
    {
        if (_remembered.IsKnown)
        {
            var (missing, gone) = _remembered.Compare(desired.Neighbors);
            return (missing, gone.ConvertAll(n => new DeleteNeighbor(n.Link, n.Address)));
        }
        var observed = netlink.Neighbors();
        var present = observed.Where(n => n is { Permanent: true, Mac: not null }).Select(n => new Neighbor(n.Link, n.Address, n.Mac!.Value)).ToHashSet();
        var wanted = desired.Neighbors.Select(n => (n.Link, n.Address)).ToHashSet();
        var own = desired.Links.Select(l => l.Name).ToHashSet(StringComparer.Ordinal);
        // Multicast entries are NUD_NOARP and learned ones reachable or stale: neither is permanent.
        return (
            [.. desired.Neighbors.Where(n => !present.Contains(n) && !links.Awaits(n.Link))],
            [.. observed.Where(o => o.Permanent && own.Contains(o.Link) && !wanted.Contains((o.Link, o.Address))).Select(o => new DeleteNeighbor(o.Link, o.Address))]);
    }
}
