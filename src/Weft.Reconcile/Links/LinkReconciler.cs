using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Links;

/// <summary>
/// Makes and keeps the node's VXLAN device, keeps the node's ends of pods' veth pairs in shape (the attachment makes them), and deletes links
/// with Weft's prefix that nobody wants. What exists is taken over as it is; a device is made anew only when an attribute differs that is part
/// of its identity.
/// </summary>
/// <param name="inUse">
/// Whether a link that the desired state does not name yet belongs to an attachment that is being made. Asked right before deleting, because
/// the desired state may be older than the link.
/// </param>
public sealed class LinkReconciler(INetlink netlink, Func<string, bool>? inUse = null) : IReconciler
{
    private IReadOnlyList<ObservedLink> _observed = [];

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Links)
            Set(desired.Routing.Links, report);
        else if (step == ApplyStep.DeleteLinks)
            Delete(desired.Routing.Links, report);
    }

    private void Set(EquatableArray<Link> desired, ReconcileReport report)
    {
        _observed = [];
        _observed = netlink.Links();
        var byName = _observed.ToDictionary(l => l.Name, StringComparer.Ordinal);
        var changes = new NetlinkChanges(netlink, report);
        foreach (var link in desired)
        {
            var observed = byName.GetValueOrDefault(link.Name);
            switch (link)
            {
                case VxlanLink vxlan:
                    Set(vxlan, observed, changes);
                    break;
                case VethLink when observed is null:
                    report.Fail(new ReconcileFailure($"link {link.Name}", "find", "the link is missing; the attachment of its pod makes it", Errno.ENODEV));
                    break;
                case VethLink:
                    Adjust(link, observed, null, changes);
                    break;
            }
        }
        changes.Carry();
    }

    private static void Set(VxlanLink link, ObservedLink? observed, NetlinkChanges changes)
    {
        if (observed is not null && IsSameDevice(link, observed))
        {
            Adjust(link, observed, link.Mac, changes);
            return;
        }
        if (observed is not null)
            changes.Add($"link {link.Name}", new DeleteLink(link.Name));
        changes.Add($"link {link.Name}", new AddVxlan(link));
    }

    private static bool IsSameDevice(VxlanLink link, ObservedLink observed) =>
        observed.Vxlan is { Learning: false } vxlan && vxlan.Vni == link.Vni && vxlan.Port == link.Port && link.Local.Equals(vxlan.Local)
        && (vxlan.Underlay ?? "") == link.Underlay;

    private static void Adjust(Link link, ObservedLink observed, MacAddress? mac, NetlinkChanges changes)
    {
        var change = new SetLink(
            link.Name,
            Up: observed.Up ? null : true,
            Mtu: observed.Mtu == link.Mtu ? null : link.Mtu,
            Mac: mac == observed.Mac ? null : mac);
        if (change != new SetLink(link.Name))
            changes.Add($"link {link.Name}", change);
    }

    private void Delete(EquatableArray<Link> desired, ReconcileReport report)
    {
        var wanted = desired.Select(l => l.Name).ToHashSet(StringComparer.Ordinal);
        var changes = new NetlinkChanges(netlink, report);
        foreach (var link in _observed)
        {
            var owned = link.Name.StartsWith(WeftRouting.LinkPrefix, StringComparison.Ordinal);
            if (owned && !wanted.Contains(link.Name) && inUse?.Invoke(link.Name) != true)
                changes.Add($"link {link.Name}", new DeleteLink(link.Name));
        }
        changes.Carry(Errno.ENODEV);
    }
}
