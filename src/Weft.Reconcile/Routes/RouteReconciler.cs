using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Routes;

/// <summary>
/// Routes of the main table that carry Weft's rtm_protocol. Those of others are never touched, but for one in the way. What a pass left there is
/// remembered for the next, since listing a thousand routes costs more than setting one.
/// </summary>
internal sealed class RouteReconciler(INetlink netlink, NodeLinks links) : IReconciler
{
    /// <summary>IP6_RT_PRIO_USER: what IPv6 gives a route without a metric (include/uapi/linux/ipv6_route.h).</summary>
    private const int DefaultMetricIPv6 = 1024;

    private IReadOnlyList<ObservedRoute>? _observed;
    private bool _set;

    public void Forget() => _observed = null;

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Routes)
            Set(desired.Routing, report);
        else if (step == ApplyStep.DeleteRoutes)
            Delete(desired.Routing.Routes, report);
    }

    private void Set(RoutingState desired, ReconcileReport report)
    {
        var remembered = _observed;
        _set = false;
        _observed = null;
        _observed = remembered is null ? netlink.Routes(WeftRouting.Protocol) : [.. remembered.Where(r => !links.Remade(r.Route.Link))];
        var present = _observed.Where(HasDefaultMetric).Select(r => Canonical(r.Route)).ToHashSet();
        var changes = new NetlinkChanges(netlink, report);
        foreach (var route in desired.Routes)
        {
            if (!present.Contains(Canonical(route)) && !links.Awaits(route.Link))
                changes.Add($"route {route.Destination}", new ReplaceRoute(route));
        }
        _set = changes.Carry();
    }

    private void Delete(EquatableArray<Route> desired, ReconcileReport report)
    {
        if (_observed is null)
            return;
        // By destination: one that was only changed has been replaced.
        var wanted = desired.Select(r => r.Destination).ToHashSet();
        var changes = new NetlinkChanges(netlink, report);
        foreach (var observed in _observed)
        {
            if (!wanted.Contains(observed.Route.Destination) || !HasDefaultMetric(observed))
                changes.Add($"route {observed.Route.Destination}", new DeleteRoute(observed.Route, observed.Protocol, observed.Metric));
        }
        var deleted = changes.Carry(Errno.ESRCH, Errno.ENODEV);
        _observed = _set && deleted
            ? [.. desired.Where(r => !links.Awaits(r.Link)).Select(r => new ObservedRoute(Canonical(r), WeftRouting.Protocol, Metric(r)))]
            : null;
    }

    /// <summary>As the kernel lists it: IPv4 routes without a gateway have link scope, IPv6 routes have none.</summary>
    internal static Route Canonical(Route route) =>
        route with { LinkScope = !route.Destination.IsIPv6 && (route.LinkScope || route.Gateway is null) };

    private static bool HasDefaultMetric(ObservedRoute route) =>
        route.Metric == Metric(route.Route);

    private static int Metric(Route route) => route.Destination.IsIPv6 ? DefaultMetricIPv6 : 0;
}
