using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Neighbors;

/// <summary>
/// Forwarding entries of Weft's VXLAN devices: all that such a device holds are Weft's, since it does not learn. What a pass left there is
/// remembered for the next.
/// </summary>
internal sealed class ForwardingReconciler(INetlink netlink, NodeLinks links) : IReconciler
{
    private List<ForwardingEntry>? _observed;
    private bool _set;

    public void Forget() => _observed = null;

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Forwarding)
            Set(desired.Routing, report);
        else if (step == ApplyStep.DeleteForwarding)
            Delete(desired.Routing, report);
    }

    private void Set(RoutingState desired, ReconcileReport report)
    {
        var remembered = _observed;
        _set = false;
        _observed = null;
        var observed = remembered?.Where(e => !links.Remade(e.Link)).ToList() ?? [];
        foreach (var link in desired.Links.OfType<VxlanLink>().Where(l => remembered is null || links.Remade(l.Name)))
            observed.AddRange(netlink.ForwardingEntries(link.Name));
        _observed = observed;
        var present = observed.ToHashSet();
        var changes = new NetlinkChanges(netlink, report);
        foreach (var entry in desired.Forwarding)
        {
            if (!present.Contains(entry))
                changes.Add(Name(entry), new ReplaceForwarding(entry));
        }
        _set = changes.Carry();
    }

    private void Delete(RoutingState desired, ReconcileReport report)
    {
        if (_observed is null)
            return;
        var wanted = desired.Forwarding.ToDictionary(e => (e.Link, e.Mac));
        var present = _observed.ToHashSet();
        var changes = new NetlinkChanges(netlink, report);
        foreach (var entry in _observed)
        {
            // A hardware address may have several destinations. Setting the right one replaced the wrong one, unless it was there already.
            var replaced = wanted.TryGetValue((entry.Link, entry.Mac), out var right) && !present.Contains(right);
            if (entry != right && !replaced)
                changes.Add(Name(entry), new DeleteForwarding(entry));
        }
        _observed = changes.Carry(Errno.ENOENT, Errno.ENODEV) && _set ? [.. desired.Forwarding] : null;
    }

    private static string Name(ForwardingEntry entry) => $"forwarding entry {entry.Mac} dev {entry.Link}";
}
