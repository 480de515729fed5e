using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Neighbors;

/// <summary>Forwarding entries of Weft's VXLAN devices: all that such a device holds are Weft's, since it does not learn.</summary>
public sealed class ForwardingReconciler(INetlink netlink) : IReconciler
{
    private List<ForwardingEntry> _observed = [];

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Forwarding)
            Set(desired.Routing, report);
        else if (step == ApplyStep.DeleteForwarding)
            Delete(desired.Routing, report);
    }

    private void Set(RoutingState desired, ReconcileReport report)
    {
        _observed = [];
        var observed = new List<ForwardingEntry>();
        foreach (var link in desired.Links.OfType<VxlanLink>())
            observed.AddRange(netlink.ForwardingEntries(link.Name));
        _observed = observed;
        var present = observed.ToHashSet();
        var changes = new NetlinkChanges(netlink, report);
        foreach (var entry in desired.Forwarding)
        {
            if (!present.Contains(entry))
                changes.Add(Name(entry), new ReplaceForwarding(entry));
        }
        changes.Carry();
    }

    private void Delete(RoutingState desired, ReconcileReport report)
    {
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
        changes.Carry(Errno.ENOENT, Errno.ENODEV);
    }

    private static string Name(ForwardingEntry entry) => $"forwarding entry {entry.Mac} dev {entry.Link}";
}
