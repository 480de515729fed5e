using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;
using Weft.Reconcile.Links;
using Weft.Reconcile.Neighbors;
using Weft.Reconcile.Routes;

namespace Weft.Reconcile;

/// <summary>The reconcilers of everything in <see cref="Model.Routing.RoutingState"/>.</summary>
public static class RoutingReconcilers
{
    /// <param name="inUse">See <see cref="LinkReconciler"/>.</param>
    public static IReadOnlyList<IReconciler> Create(INetlink netlink, ISysctls sysctls, Func<string, bool>? inUse = null) =>
    [
        new SysctlReconciler(sysctls, netlink),
        new LinkReconciler(netlink, inUse),
        new AddressReconciler(netlink),
        new NeighborReconciler(netlink),
        new ForwardingReconciler(netlink),
        new RouteReconciler(netlink),
    ];
}
