using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;
using Weft.Model.Routing;
using Weft.Reconcile.Routes;

namespace Weft.Reconcile.Tests.Routing;

/// <summary>Compares what a port shows with what was desired, independently of how the reconcilers compare.</summary>
internal static class ObservedRouting
{
    internal static void AssertHolds(RoutingState desired, INetlink netlink, ISysctls sysctls)
    {
        foreach (var link in desired.Links)
        {
            var observed = netlink.FindLink(link.Name);
            Assert.NotNull(observed);
            Assert.Equal((link.Mtu, true), (observed.Mtu, observed.Up));
            if (link is VxlanLink vxlan)
            {
                Assert.Equal(vxlan.Mac, observed.Mac);
                Assert.Equal(new VxlanParameters(vxlan.Vni, vxlan.Port, vxlan.Local, vxlan.Underlay, false), observed.Vxlan);
            }
        }
        Assert.Equal(
            desired.Links.Select(l => l.Name).Order(),
            netlink.Links().Select(l => l.Name).Where(n => n.StartsWith("weft", StringComparison.Ordinal)).Order());
        Assert.Equal(
            Texts(desired.Addresses),
            Texts(netlink.Addresses().Where(a => !a.LinkLocal && (a.Address.Link == "weft.vxlan" || a.Protocol == WeftRouting.Protocol)).Select(a => a.Address)));
        Assert.Equal(
            Texts(desired.Routes.Select(RouteReconciler.Canonical)),
            Texts(netlink.Routes(WeftRouting.Protocol).Select(r => r.Route)));
        Assert.Equal(
            Texts(desired.Neighbors),
            Texts(netlink.Neighbors().Where(n => n.Permanent && n.Link.StartsWith("weft", StringComparison.Ordinal)).Select(n => new Neighbor(n.Link, n.Address, n.Mac!.Value))));
        Assert.Equal(Texts(desired.Forwarding), Texts(netlink.ForwardingEntries("weft.vxlan")));
        var qdiscs = netlink.Qdiscs().Where(q => q.Link.StartsWith("weft", StringComparison.Ordinal)).ToList();
        // The kernel rounds the burst.
        Assert.Equal(
            Texts(desired.Shapers.Select(s => s with { Burst = 0 })), Texts(qdiscs.Select(q => q.Shaper).OfType<Shaper>().Select(s => s with { Burst = 0 })));
        foreach (var shaper in desired.Shapers)
            Assert.InRange(qdiscs.Single(q => q.Link == shaper.Link && q.Shaper is not null).Shaper!.Burst, shaper.Burst * 99 / 100, shaper.Burst * 101 / 100);
        Assert.Equal(Texts(desired.Redirects.Select(r => r.Link)), Texts(qdiscs.Where(q => q.Kind == "ingress").Select(q => q.Link)));
        foreach (var redirect in desired.Redirects)
            Assert.Equal(new ObservedRedirect(redirect.Link, redirect.To), Assert.Single(netlink.Redirects(redirect.Link)));
        foreach (var sysctl in desired.Sysctls)
            Assert.Equal(sysctl.Value, sysctls.Read(sysctl.Path));
    }

    private static IEnumerable<string> Texts<T>(IEnumerable<T> items) => items.Select(i => i!.ToString()!).Order(StringComparer.Ordinal);
}
