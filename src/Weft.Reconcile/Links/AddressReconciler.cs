using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Links;

/// <summary>
/// Addresses of the node. Weft owns those that carry its IFA_PROTO, on any link, and all on its own links but the link-local ones, which the
/// kernel gives. They are few and change seldom: the same addresses on the same devices are not looked at again until <see cref="Forget"/>.
/// </summary>
internal sealed class AddressReconciler(INetlink netlink, NodeLinks links) : IReconciler
{
    private IReadOnlyList<ObservedAddress>? _observed;
    private EquatableArray<LinkAddress>? _held;
    private bool _set;

    public void Forget() => _held = null;

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Addresses)
            Add(desired.Routing, report);
        else if (step == ApplyStep.DeleteAddresses)
            Delete(desired.Routing, report);
    }

    private void Add(RoutingState desired, ReconcileReport report)
    {
        _observed = null;
        if (_held == desired.Addresses && !desired.Addresses.Any(a => links.Remade(a.Link)))
            return;
        _held = null;
        _observed = netlink.Addresses();
        var present = _observed.Select(a => a.Address).ToHashSet();
        var changes = new NetlinkChanges(netlink, report);
        foreach (var address in desired.Addresses)
        {
            if (!present.Contains(address))
                changes.Add(Name(address), new AddAddress(address, Protocol: WeftRouting.Protocol));
        }
        _set = changes.Carry();
    }

    private void Delete(RoutingState desired, ReconcileReport report)
    {
        if (_observed is null)
            return;
        var wanted = desired.Addresses.ToHashSet();
        var own = desired.Links.Select(l => l.Name).ToHashSet(StringComparer.Ordinal);
        var changes = new NetlinkChanges(netlink, report);
        foreach (var observed in _observed)
        {
            var owned = observed.Protocol == WeftRouting.Protocol || own.Contains(observed.Address.Link) && !observed.LinkLocal;
            if (owned && !wanted.Contains(observed.Address))
                changes.Add(Name(observed.Address), new DeleteAddress(observed.Address));
        }
        _held = changes.Carry(Errno.EADDRNOTAVAIL, Errno.ENODEV) && _set ? desired.Addresses : null;
    }

    private static string Name(LinkAddress address) => $"address {address.Address}/{address.PrefixLength} dev {address.Link}";
}
