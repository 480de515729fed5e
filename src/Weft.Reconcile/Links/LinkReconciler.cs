using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Links;

/// <summary>
/// Makes and keeps the node's VXLAN device and the devices that limit what pods send, keeps the node's ends of pods' veth pairs in shape (the
/// attachment makes them), and deletes links with Weft's prefix that nobody wants. What exists is taken over as it is; a device is made anew only
/// when an attribute differs that is part of its identity. A link found, or brought, in shape is not looked at again until it is another device or <see cref="Forget"/>.
/// </summary>
/// <param name="inUse">
/// Whether a link that the desired state does not name yet belongs to an attachment that is being made. Asked right before deleting, because
/// the desired state may be older than the link.
/// </param>
internal sealed class LinkReconciler(INetlink netlink, NodeLinks links, Func<string, bool>? inUse = null) : IReconciler
{
    // Links of Weft's that exist, by name, with what they were in shape for; null for those that were only seen.
    private Dictionary<string, Link?>? _known;

    public void Forget() => _known = null;

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Links)
            Set(desired.Routing.Links, report);
        else if (step == ApplyStep.DeleteLinks)
            Delete(desired.Routing.Links, report);
    }

    private void Set(EquatableArray<Link> desired, ReconcileReport report)
    {
        var observe = Observe();
        var known = _known!;
        var changes = new NetlinkChanges(netlink, report);
        var made = new List<string>();
        foreach (var link in desired)
        {
            if (known.GetValueOrDefault(link.Name) == link && !links.Remade(link.Name))
                continue;
            var observed = observe(link.Name);
            if (observed is not null)
                known[link.Name] = link;
            switch (link)
            {
                case VxlanLink vxlan:
                    if (Set(vxlan, observed, changes))
                        made.Add(link.Name);
                    known[link.Name] = link;
                    break;
                case VethLink when observed is null:
                    report.NoteAbsent(link.Name);
                    break;
                case IfbLink ifb:
                    if (Set(ifb, observed, changes))
                        made.Add(link.Name);
                    known[link.Name] = link;
                    break;
                case VethLink:
                    Adjust(link, observed, null, changes);
                    break;
            }
        }
        if (!changes.Carry())
            _known = null;
        foreach (var name in made)
            links.Made(name);
    }

    /// <summary>How to look at a link in this pass: all of them are listed once when nothing is remembered, else one by one.</summary>
    private Func<string, ObservedLink?> Observe()
    {
        if (_known is not null)
            return netlink.FindLink;
        var all = netlink.Links().ToDictionary(l => l.Name, StringComparer.Ordinal);
        _known = all.Keys.Where(IsOwned).ToDictionary(name => name, _ => (Link?)null, StringComparer.Ordinal);
        return name => all.GetValueOrDefault(name);
    }

    private static bool IsOwned(string name) => name.StartsWith(WeftRouting.LinkPrefix, StringComparison.Ordinal);

    /// <returns>Whether the device is made anew.</returns>
    private static bool Set(VxlanLink link, ObservedLink? observed, NetlinkChanges changes)
    {
        if (observed is not null && IsSameDevice(link, observed))
        {
            Adjust(link, observed, link.Mac, changes);
            return false;
        }
        if (observed is not null)
            changes.Add($"link {link.Name}", new DeleteLink(link.Name));
        changes.Add($"link {link.Name}", new AddVxlan(link));
        return true;
    }

    private static bool Set(IfbLink link, ObservedLink? observed, NetlinkChanges changes)
    {
        if (observed is { Kind: "ifb" })
        {
            Adjust(link, observed, null, changes);
            return false;
        }
        if (observed is not null)
            changes.Add($"link {link.Name}", new DeleteLink(link.Name));
        changes.Add($"link {link.Name}", new AddIfb(link));
        return true;
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
        if (_known is not { } known)
            return;
        var wanted = desired.Select(l => l.Name).ToHashSet(StringComparer.Ordinal);
        var changes = new NetlinkChanges(netlink, report);
        foreach (var name in known.Keys.Where(name => IsOwned(name) && !wanted.Contains(name) && inUse?.Invoke(name) != true).ToList())
        {
            known.Remove(name);
            if (netlink.IndexOf(name) is not null)
                changes.Add($"link {name}", new DeleteLink(name));
        }
        if (!changes.Carry(Errno.ENODEV))
            _known = null;
    }
}
