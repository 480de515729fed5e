using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Links;

/// <summary>
/// Addresses of the node. Weft owns those that carry its IFA_PROTO, on any link, and all on its own links but the link-local ones, which the
/// kernel gives.
/// </summary>
public sealed class AddressReconciler(INetlink netlink) : IReconciler
{
    private IReadOnlyList<ObservedAddress> _observed = [];

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Addresses)
            Add(desired.Routing, report);
        else if (step == ApplyStep.DeleteAddresses)
            Delete(desired.Routing, report);
    }

    private void Add(RoutingState desired, ReconcileReport report)
    {
        _observed = [];
        _observed = netlink.Addresses();
        var present = _observed.Select(a => a.Address).ToHashSet();
        var changes = new NetlinkChanges(netlink, report);
        foreach (var address in desired.Addresses)
        {
            if (!present.Contains(address))
                changes.Add(Name(address), new AddAddress(address, Protocol: WeftRouting.Protocol));
        }
        changes.Carry();
    }

    private void Delete(RoutingState desired, ReconcileReport report)
    {
        var wanted = desired.Addresses.ToHashSet();
        var links = desired.Links.Select(l => l.Name).ToHashSet(StringComparer.Ordinal);
        var changes = new NetlinkChanges(netlink, report);
        foreach (var observed in _observed)
        {
            var owned = observed.Protocol == WeftRouting.Protocol || links.Contains(observed.Address.Link) && !observed.LinkLocal;
            if (owned && !wanted.Contains(observed.Address))
                changes.Add(Name(observed.Address), new DeleteAddress(observed.Address));
        }
        changes.Carry(Errno.EADDRNOTAVAIL, Errno.ENODEV);
    }

    private static string Name(LinkAddress address) => $"address {address.Address}/{address.PrefixLength} dev {address.Link}";
}
