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

    private readonly Remembered<Route, IpPrefix> _remembered = new(links, r => r.Destination, r => r.Link);
    private List<ObservedRoute> _gone = [];
    private bool _set;

    public void Forget() => _remembered.Forget();

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Routes)
            Set(desired.Routing, report);
        else if (step == ApplyStep.DeleteRoutes)
            Delete(desired.Routing.Routes, report);
    }

    private void Set(RoutingState desired, ReconcileReport report)
    {
        _set = false;
        _gone = [];
        var (missing, gone) = Compare(desired.Routes);
        _gone = gone;
        var changes = new NetlinkChanges(netlink, report);
        foreach (var route in missing)
            changes.Add($"route {route.Destination}", new ReplaceRoute(route));
        _set = changes.Carry();
    }

    private void Delete(EquatableArray<Route> desired, ReconcileReport report)
    {
        var changes = new NetlinkChanges(netlink, report);
        foreach (var gone in _gone)
            changes.Add($"route {gone.Route.Destination}", new DeleteRoute(gone.Route, gone.Protocol, gone.Metric));
        if (changes.Carry(Errno.ESRCH, Errno.ENODEV) && _set)
            _remembered.Hold(desired);
        else
            _remembered.Forget();
    }

    private (List<Route> Missing, List<ObservedRoute> Gone) Compare(EquatableArray<Route> desired)
    {
        if (_remembered.IsKnown)
        {
            var (missing, gone) = _remembered.Compare(desired);
            return (missing, gone.ConvertAll(r => new ObservedRoute(Canonical(r), WeftRouting.Protocol, Metric(r))));
        }
        var observed = netlink.Routes(WeftRouting.Protocol);
        var present = observed.Where(HasDefaultMetric).Select(r => Canonical(r.Route)).ToHashSet();
        // By destination: one that was only changed is replaced.
        var wanted = desired.Select(r => r.Destination).ToHashSet();
        return (
            [.. desired.Where(r => !present.Contains(Canonical(r)) && !links.Awaits(r.Link))],
            [.. observed.Where(o => !wanted.Contains(o.Route.Destination) || !HasDefaultMetric(o))]);
    }

    /// <summary>As the kernel lists it: IPv4 routes without a gateway have link scope, IPv6 routes have none.</summary>
    internal static Route Canonical(Route route) =>
        route with { LinkScope = !route.Destination.IsIPv6 && (route.LinkScope || route.Gateway is null) };

    private static bool HasDefaultMetric(ObservedRoute route) =>
        route.Metric == Metric(route.Route);

    private static int Metric(Route route) => route.Destination.IsIPv6 ? DefaultMetricIPv6 : 0;
}
