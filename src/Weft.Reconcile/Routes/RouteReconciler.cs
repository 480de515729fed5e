using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Routes;

/// <summary>Routes of the main table that carry Weft's rtm_protocol. Those of others are never touched, but for one in the way.</summary>
public sealed class RouteReconciler(INetlink netlink) : IReconciler
{
    /// <summary>IP6_RT_PRIO_USER: what IPv6 gives a route without a metric (include/uapi/linux/ipv6_route.h).</summary>
    private const int DefaultMetricIPv6 = 1024;

    private IReadOnlyList<ObservedRoute> _observed = [];

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Routes)
            Set(desired.Routing, report);
        else if (step == ApplyStep.DeleteRoutes)
            Delete(desired.Routing.Routes, report);
    }

    private void Set(RoutingState desired, ReconcileReport report)
    {
        _observed = [];
        _observed = netlink.Routes(WeftRouting.Protocol);
        var present = _observed.Where(HasDefaultMetric).Select(r => Canonical(r.Route)).ToHashSet();
        var pods = new PodLinks(desired, netlink);
        var changes = new NetlinkChanges(netlink, report);
        foreach (var route in desired.Routes)
        {
            if (!present.Contains(Canonical(route)) && !pods.Awaits(route.Link))
                changes.Add($"route {route.Destination}", new ReplaceRoute(route));
        }
        changes.Carry();
    }

    private void Delete(EquatableArray<Route> desired, ReconcileReport report)
    {
        // By destination: one that was only changed has been replaced.
        var wanted = desired.Select(r => r.Destination).ToHashSet();
        var changes = new NetlinkChanges(netlink, report);
        foreach (var observed in _observed)
        {
            if (!wanted.Contains(observed.Route.Destination) || !HasDefaultMetric(observed))
                changes.Add($"route {observed.Route.Destination}", new DeleteRoute(observed.Route, observed.Protocol, observed.Metric));
        }
        changes.Carry(Errno.ESRCH, Errno.ENODEV);
    }

    /// <summary>As the kernel lists it: IPv4 routes without a gateway have link scope, IPv6 routes have none.</summary>
    internal static Route Canonical(Route route) =>
        route with { LinkScope = !route.Destination.IsIPv6 && (route.LinkScope || route.Gateway is null) };

    private static bool HasDefaultMetric(ObservedRoute route) =>
        route.Metric == (route.Route.Destination.IsIPv6 ? DefaultMetricIPv6 : 0);
}
