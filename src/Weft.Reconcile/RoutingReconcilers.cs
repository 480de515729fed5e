using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;
using Weft.Reconcile.Links;
using Weft.Reconcile.Neighbors;
using Weft.Reconcile.Routes;
using Weft.Reconcile.Shaping;

namespace Weft.Reconcile;

/// <summary>The reconcilers of everything in <see cref="Model.Routing.RoutingState"/>.</summary>
public static class RoutingReconcilers
{
    /// <param name="inUse">See <see cref="LinkReconciler"/>.</param>
    /// <param name="touched">Told of by those who make and delete pods' links; without it only <see cref="IReconciler.Forget"/> has links looked up again.</param>
    public static IReadOnlyList<IReconciler> Create(INetlink netlink, ISysctls sysctls, Func<string, bool>? inUse = null, TouchedLinks? touched = null)
    {
        var links = new NodeLinks(netlink, touched ?? new TouchedLinks());
        return
        [
            links,
            new SysctlReconciler(sysctls, links),
            new LinkReconciler(netlink, links, inUse),
            new ShapingReconciler(netlink, links),
            new AddressReconciler(netlink, links),
            new NeighborReconciler(netlink, links),
            new ForwardingReconciler(netlink, links),
            new RouteReconciler(netlink, links),
        ];
    }
}
