using System.Net;
using Weft.Kernel.Routing;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Kernel.Tests;

/// <summary>Against the running kernel, in namespaces made for the test.</summary>
public sealed class RouteNetlinkTests : IDisposable
{
    private static readonly MacAddress HostMac = MacAddress.Parse("02:00:00:00:00:01");
    private static readonly MacAddress PodMac = MacAddress.Parse("02:00:00:00:00:02");
    private readonly List<RealNamespaces> _namespaces = [];

    public void Dispose() => _namespaces.ForEach(n => n.Dispose());

    private (Namespaces.NetNamespace Network, RouteNetlink Netlink) NewNamespace()
    {
        var namespaces = new RealNamespaces();
        _namespaces.Add(namespaces);
        return namespaces.Add();
    }

    private static IPAddress Ip(string text) => IPAddress.Parse(text);

    private static Route Route(string destination, string link, string? gateway = null, bool onLink = false, string? source = null) =>
        new(IpPrefix.Parse(destination), link, gateway is null ? null : Ip(gateway), onLink, source is null ? null : Ip(source));

    [SkippableTheory]
    [InlineData("10.244.1.5", "169.254.1.1")]
    [InlineData("fd00:244::5", "fe80::1")]
    public void RoutedVethCarriesPackets(string podAddress, string gateway)
    {
        var (node, host) = NewNamespace();
        var (pod, inside) = NewNamespace();
        var bits = podAddress.Contains(':') ? 128 : 32;
        host.ExecuteAll(
            new AddVeth("weft1", 1450, HostMac, "eth0", PodMac, pod),
            new AddAddress(new("lo", Ip(bits == 32 ? "172.30.0.11" : "fd00:30::11"), bits)),
            new ReplaceRoute(Route($"{podAddress}/{bits}", "weft1")),
            new ReplaceNeighbor(new("weft1", Ip(podAddress), PodMac)));
        inside.ExecuteAll(
            new SetLink("eth0", Up: true),
            new AddAddress(new("eth0", Ip(podAddress), bits)),
            new ReplaceRoute(Route(bits == 32 ? "0.0.0.0/0" : "::/0", "eth0", gateway, onLink: true)),
            new ReplaceNeighbor(new("eth0", Ip(gateway), HostMac)));
        var eth0 = inside.FindLink("eth0")!;
        Assert.Equal(("veth", 1450, true, true, PodMac), (eth0.Kind, eth0.Mtu, eth0.Up, eth0.Running, eth0.Mac));
        Assert.Equal(HostMac, host.FindLink("weft1")!.Mac);
        Assert.True(RealNamespaces.Exchange(pod, node, Ip(bits == 32 ? "172.30.0.11" : "fd00:30::11")));
        Assert.True(RealNamespaces.Exchange(node, pod, Ip(podAddress)));
    }

    [SkippableTheory]
    [InlineData("192.0.2.1", "192.0.2.2", "10.244.1.0", "10.244.2.0", 32)]
    [InlineData("fd00:30::1", "fd00:30::2", "fd00:244:0:1::", "fd00:244:0:2::", 128)]
    public void VxlanBetweenNamespacesCarriesPackets(string outerA, string outerB, string innerA, string innerB, int bits)
    {
        var (networkA, a) = NewNamespace();
        var (networkB, b) = NewNamespace();
        a.ExecuteAll(new AddVeth("eth0", 1500, null, "eth0", null, networkB));
        var vtepA = MacAddress.Parse("02:00:00:00:0a:0a");
        var vtepB = MacAddress.Parse("02:00:00:00:0b:0b");
        Setup(a, outerA, innerA, vtepA, outerB, innerB, vtepB);
        Setup(b, outerB, innerB, vtepB, outerA, innerA, vtepA);
        Assert.True(RealNamespaces.Exchange(networkA, networkB, Ip(innerB)));
        Assert.True(RealNamespaces.Exchange(networkB, networkA, Ip(innerA)));

        void Setup(RouteNetlink netlink, string local, string inner, MacAddress mac, string peer, string peerInner, MacAddress peerMac) =>
            netlink.ExecuteAll(
                new SetLink("eth0", Up: true),
                new AddAddress(new("eth0", Ip(local), bits == 32 ? 24 : 64), PrefixRoute: true),
                new AddVxlan(new("weft.vxlan", bits == 32 ? 1450 : 1430, 4096, 4789, Ip(local), "eth0", mac)),
                new AddAddress(new("weft.vxlan", Ip(inner), bits)),
                new ReplaceForwarding(new("weft.vxlan", peerMac, Ip(peer))),
                new ReplaceNeighbor(new("weft.vxlan", Ip(peerInner), peerMac)),
                new ReplaceRoute(Route($"{peerInner}/{(bits == 32 ? 24 : 64)}", "weft.vxlan", peerInner, onLink: true, source: inner)));
    }

    [SkippableFact]
    public void WhatWasAskedIsWhatIsListed()
    {
        var (network, netlink) = NewNamespace();
        var vxlan = new VxlanLink("weft.vxlan", 1450, 4096, 4789, Ip("192.0.2.1"), "eth0", PodMac);
        var entry = new ForwardingEntry("weft.vxlan", MacAddress.Parse("02:00:00:00:00:09"), Ip("192.0.2.9"));
        Route[] routes =
        [
            Route("10.244.2.0/24", "weft.vxlan", "10.244.2.0", onLink: true),
            Route("10.244.1.5/32", "eth0") with { LinkScope = true },
            Route("0.0.0.0/0", "eth0", "192.0.2.254", source: "192.0.2.1"),
            Route("fd00:244:0:2::/64", "weft.vxlan", "fd00:244:0:2::", onLink: true),
            Route("::/0", "eth0", "fe80::1"),
        ];
        var results = netlink.Execute(
        [
            new AddVeth("eth0", 1500, HostMac, "peer", null, null),
            new AddAddress(new("eth0", Ip("192.0.2.1"), 24), PrefixRoute: true),
            new AddAddress(new("eth0", Ip("fd00:30::1"), 64), Protocol: WeftRouting.Protocol),
            new AddVxlan(vxlan),
            new ReplaceNeighbor(new("weft.vxlan", Ip("10.244.2.0"), entry.Mac)),
            new ReplaceNeighbor(new("weft.vxlan", Ip("fd00:244:0:2::"), entry.Mac)),
            new ReplaceForwarding(entry),
            .. routes.Select(r => new ReplaceRoute(r)),
        ]);
        Assert.All(results, r => Assert.True(r.Succeeded, r.Text));
        Assert.Equal(routes.Select(r => r.ToString()).Order(), netlink.Routes(WeftRouting.Protocol).Select(r => r.Route.ToString()).Order());
        Assert.Equal([1024], netlink.Routes(WeftRouting.Protocol).Where(r => r.Route.Destination.IsIPv6).Select(r => r.Metric).Distinct());
        // Without a filter the kernel's own are listed too: the connected prefix that was asked for.
        Assert.Contains(netlink.Routes(), r => r.Route.Destination == IpPrefix.Parse("192.0.2.0/24") && r.Protocol != WeftRouting.Protocol);
        Assert.Equal([entry], netlink.ForwardingEntries("weft.vxlan"));
        Assert.Equal(2, netlink.Neighbors("weft.vxlan").Count(n => n.Permanent && n.Mac == entry.Mac));
        Assert.DoesNotContain(netlink.Neighbors("eth0"), n => n.Permanent);
        var link = netlink.FindLink("weft.vxlan")!;
        Assert.Equal(("vxlan", 1450, true, PodMac), (link.Kind, link.Mtu, link.Up, link.Mac));
        Assert.Equal(new VxlanParameters(4096, 4789, Ip("192.0.2.1"), "eth0", false), link.Vxlan);
        Assert.Equal(link, netlink.Links().Single(l => l.Name == "weft.vxlan"));
        Assert.Contains(netlink.Addresses("eth0"), a => a == new ObservedAddress(new("eth0", Ip("fd00:30::1"), 64), Protocol: WeftRouting.Protocol));
        Assert.Null(netlink.FindLink("nothing"));
        Assert.Empty(netlink.Addresses("nothing"));
    }

    [SkippableFact]
    public void DeletingUndoesAdding()
    {
        var (_, netlink) = NewNamespace();
        var route4 = Route("10.0.0.0/8", "eth0", "192.0.2.254", onLink: true);
        var route6 = Route("fd00::/16", "eth0", "fe80::2");
        var address = new LinkAddress("eth0", Ip("192.0.2.1"), 32);
        netlink.ExecuteAll(new AddVeth("eth0", 1500, null, "peer", null, null), new AddAddress(address), new AddAddress(address),
            new ReplaceRoute(route4), new ReplaceRoute(route6), new ReplaceRoute(route4), new ReplaceNeighbor(new("eth0", Ip("192.0.2.7"), PodMac)));
        netlink.ExecuteAll(new DeleteRoute(route4), new DeleteRoute(route6), new DeleteNeighbor("eth0", Ip("192.0.2.7")), new DeleteAddress(address));
        Assert.Empty(netlink.Routes(WeftRouting.Protocol));
        Assert.DoesNotContain(netlink.Neighbors("eth0"), n => n.Permanent);
        Assert.DoesNotContain(netlink.Addresses("eth0"), a => a.Address == address);
        netlink.ExecuteAll(new DeleteLink("eth0"));
        Assert.Null(netlink.IndexOf("peer"));
        Assert.Equal(
            [Errno.ENODEV, Errno.ENODEV],
            netlink.Execute([new DeleteLink("eth0"), new DeleteRoute(route4)]).Select(r => r.Errno));
    }

    [SkippableFact]
    public void ErrorsSayWhatTheKernelSaid()
    {
        var (_, netlink) = NewNamespace();
        netlink.ExecuteAll(new AddVeth("eth0", 1500, null, "peer", null, null));
        var error = Assert.Throws<KernelException>(() => netlink.ExecuteAll(new ReplaceRoute(Route("10.0.0.0/8", "eth0", "192.0.2.254"))));
        Assert.Equal(Errno.ENETUNREACH, error.Errno);
        Assert.Equal("Nexthop has invalid gateway", error.Detail);
        Assert.Contains("10.0.0.0/8 via 192.0.2.254 dev eth0", error.Message);
        var missing = netlink.TryExecute(new SetLink("nothing", Up: true));
        Assert.Equal(Errno.ENODEV, missing.Errno);
        Assert.Contains("'nothing'", missing.Text);
        Assert.Equal(Errno.EEXIST, netlink.TryExecute(new AddVeth("eth0", 1500, null, "other", null, null)).Errno);
        // A failure stops nothing that comes after it.
        Assert.Equal([Errno.ENODEV, Errno.None], netlink.Execute([new DeleteLink("nothing"), new SetLink("eth0", Mtu: 1400)]).Select(r => r.Errno));
        Assert.Equal(1400, netlink.FindLink("eth0")!.Mtu);
        Assert.False(netlink.TryExecute(new SetLink("eth0", NewName: "a-name-of-more-than-15")).Succeeded);
    }

    [SkippableFact]
    public void LinksAreRenamedMovedAndBridged()
    {
        var (_, a) = NewNamespace();
        var (other, b) = NewNamespace();
        a.ExecuteAll(
            new AddBridge("br0", 1400, HostMac),
            new AddVeth("one", 1500, null, "two", null, null),
            new SetLink("one", Up: false, NewName: "uplink"),
            new SetLink("uplink", Up: true, Master: "br0", Mtu: 1300),
            new SetLinkLocal("uplink", Automatic: false),
            new SetLink("two", MoveTo: other));
        Assert.Equal("br0", a.FindLink("uplink")!.Master);
        Assert.Equal("br0", a.Links().Single(l => l.Name == "uplink").Master);
        Assert.Equal(("bridge", HostMac), (a.FindLink("br0")!.Kind, a.FindLink("br0")!.Mac));
        Assert.NotNull(b.IndexOf("two"));
        Assert.Null(a.IndexOf("two"));
        Assert.Equal(2, a.Links().Count(l => l.Name is "uplink" or "br0"));
        a.ExecuteAll(new SetLink("uplink", Master: ""));
        Assert.Null(a.FindLink("uplink")!.Master);
    }

    [SkippableFact]
    public void LongBatchesAndLongListsAreWhole()
    {
        var (_, netlink) = NewNamespace();
        netlink.ExecuteAll(new AddVeth("eth0", 1500, null, "peer", null, null));
        var routes = Enumerable.Range(0, 2000).Select(i => Route($"10.{i / 250}.{i % 250}.0/24", "eth0", "192.0.2.254", onLink: true)).ToArray();
        var results = netlink.Execute([.. routes.Select(r => new ReplaceRoute(r))]);
        Assert.All(results, r => Assert.True(r.Succeeded, r.Text));
        Assert.Equal(2000, netlink.Routes(WeftRouting.Protocol).Select(r => r.Route.Destination).Distinct().Count());
        Assert.All(netlink.Execute([.. routes.Select(r => new DeleteRoute(r))]), r => Assert.True(r.Succeeded, r.Text));
        Assert.Empty(netlink.Routes(WeftRouting.Protocol));
    }

    [SkippableFact]
    public async Task MonitorTellsOfChanges()
    {
        var (_, netlink) = NewNamespace();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var events = netlink.Monitor(NetlinkTopics.Links | NetlinkTopics.Routes, stop.Token);
        var route = Route("10.0.0.0/8", "eth0", "192.0.2.254", onLink: true);
        netlink.ExecuteAll(new AddVeth("eth0", 1500, null, "peer", null, null), new ReplaceRoute(route), new DeleteRoute(route), new DeleteLink("eth0"));
        var seen = new List<NetlinkEvent>();
        await foreach (var change in events)
        {
            seen.Add(change);
            if (change is LinkChanged { Name: "eth0", Deleted: true })
                break;
        }
        Assert.Contains(seen, e => e is LinkChanged { Name: "eth0", Up: true, Deleted: false });
        Assert.Contains(seen, e => e is RouteChanged { Deleted: false } r && r.Route.Route == route);
        Assert.Contains(seen, e => e is RouteChanged { Deleted: true } r && r.Route.Route == route);
        Assert.Contains(seen, e => e is LinkChanged { Name: "eth0", Deleted: true });
    }

    [SkippableFact]
    public async Task MonitorEndsQuietlyWhenCancelled()
    {
        var (_, netlink) = NewNamespace();
        using var stop = new CancellationTokenSource();
        var events = netlink.Monitor(NetlinkTopics.Links, stop.Token);
        var reading = Task.Run(async () =>
        {
            await foreach (var _ in events) { }
        });
        await stop.CancelAsync();
        await reading.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [SkippableFact]
    public void NamespacesKnowEachOtherByNumber()
    {
        var (_, a) = NewNamespace();
        var (other, _) = NewNamespace();
        Assert.Null(a.NamespaceId(other));
        a.ExecuteAll(new AddVeth("eth0", 1500, null, "peer", null, other));
        Assert.NotNull(a.NamespaceId(other));
    }
}
