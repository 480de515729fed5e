using System.Net;
using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Tests.Routing;

/// <summary>A node with two peers and two pods, in both families.</summary>
internal static class SampleRouting
{
    internal static readonly MacAddress OwnMac = MacAddress.Parse("02:00:00:00:00:11");
    internal static readonly MacAddress PeerMac = MacAddress.Parse("02:00:00:00:00:12");
    internal static readonly MacAddress PodMac = MacAddress.Parse("02:00:00:00:00:51");

    internal static IPAddress Ip(string text) => IPAddress.Parse(text);

    internal static DesiredState State(RoutingState routing) => new(routing, new NftTable("weft", [], []));

    internal static RoutingState Routing { get; } = new(
        [
            new VxlanLink("weft.vxlan", 1450, 4096, 4789, Ip("172.30.0.11"), "eth0", OwnMac),
            new VethLink("weft1", 1450),
            new VethLink("weft2", 1450),
            new IfbLink("weft-1", 1450),
        ],
        [
            new("lo", Ip("10.96.0.10"), 32),
            new("weft.vxlan", Ip("10.244.1.0"), 32),
            new("weft.vxlan", Ip("fd00:244:0:1::"), 128),
        ],
        [
            new(IpPrefix.Parse("10.96.0.0/16"), "weft.vxlan", Source: Ip("172.30.0.11"), LinkScope: true),
            new(IpPrefix.Parse("10.244.1.5/32"), "weft1", Source: Ip("172.30.0.11"), LinkScope: true),
            new(IpPrefix.Parse("10.244.1.6/32"), "weft2", LinkScope: true),
            new(IpPrefix.Parse("10.244.2.0/24"), "weft.vxlan", Ip("10.244.2.0"), OnLink: true),
            new(IpPrefix.Parse("fd00:244:0:1::5/128"), "weft1"),
            new(IpPrefix.Parse("fd00:244:0:2::/64"), "weft.vxlan", Ip("fd00:244:0:2::"), OnLink: true),
        ],
        [
            new("weft1", Ip("10.244.1.5"), PodMac),
            new("weft1", Ip("fd00:244:0:1::5"), PodMac),
            new("weft.vxlan", Ip("10.244.2.0"), PeerMac),
            new("weft.vxlan", Ip("fd00:244:0:2::"), PeerMac),
        ],
        [new("weft.vxlan", PeerMac, Ip("172.30.0.12"))],
        [
            new("net/ipv4/conf/weft.vxlan/rp_filter", "2"),
            new("net/ipv4/conf/weft1/rp_filter", "2"),
            new("net/ipv4/ip_forward", "1"),
        ])
    {
        Shapers = [new("weft1", 1_250_000, 131_072, 200_000), new("weft-1", 6_000_000_000, 10_000_000, 20_000_000)],
        Redirects = [new("weft1", "weft-1")],
    };

    /// <summary>What the node has before Weft: the underlay, and the pods' links that attachments made.</summary>
    internal static void Prepare(INetlink netlink) => netlink.ExecuteAll(
        new AddVeth("eth0", 1500, null, "underlay", null, null),
        new SetLink("underlay", Up: true),
        new AddAddress(new("eth0", Ip("172.30.0.11"), 24), PrefixRoute: true),
        new AddVeth("weft1", 1450, null, "pod1", null, null),
        new SetLink("pod1", Up: true),
        new AddVeth("weft2", 1500, null, "pod2", null, null),
        new SetLink("pod2", Up: true));

    /// <summary>Everything that can be wrong, of every kind: missing, changed and left over.</summary>
    internal static void Spoil(INetlink netlink) => netlink.ExecuteAll(
        new AddVxlan(new("weft.vxlan", 1400, 4096, 4789, Ip("172.30.0.11"), "eth0", PodMac)),
        new AddVxlan(new("weft.old", 1450, 5000, 4789, Ip("172.30.0.11"), "eth0", OwnMac)),
        new AddAddress(new("weft.vxlan", Ip("10.244.9.0"), 32)),
        new AddAddress(new("lo", Ip("10.96.0.99"), 32), Protocol: WeftRouting.Protocol),
        new AddAddress(new("lo", Ip("203.0.113.1"), 32)),
        new ReplaceRoute(new(IpPrefix.Parse("10.244.2.0/24"), "eth0", Ip("172.30.0.99"))),
        new ReplaceRoute(new(IpPrefix.Parse("10.244.77.0/24"), "eth0", Ip("172.30.0.99"))),
        new ReplaceRoute(new(IpPrefix.Parse("10.244.1.5/32"), "weft1", LinkScope: true), Metric: 7),
        new ReplaceRoute(new(IpPrefix.Parse("fd00:244:0:77::/64"), "weft.vxlan", Ip("fd00:244:0:77::"), OnLink: true)),
        new ReplaceRoute(new(IpPrefix.Parse("192.0.2.0/24"), "eth0", Ip("172.30.0.99")), Protocol: 4),
        new ReplaceNeighbor(new("weft.vxlan", Ip("10.244.2.0"), PodMac)),
        new ReplaceNeighbor(new("weft1", Ip("10.244.1.77"), PodMac)),
        new ReplaceNeighbor(new("eth0", Ip("172.30.0.99"), PodMac)),
        new ReplaceForwarding(new("weft.vxlan", PeerMac, Ip("172.30.0.77"))),
        new ReplaceForwarding(new("weft.vxlan", PodMac, Ip("172.30.0.78"))),
        new AddIfb(new("weft-1", 1500)),
        new AddIfb(new("weft-9", 1450)),
        new SetLink("weft-1", Up: false),
        new SetShaper(new("weft1", 1_250_000, 65_536, 200_000)),
        new SetShaper(new("weft2", 1_000_000, 65_536, 100_000)),
        new SetShaper(new("eth0", 1_000_000, 65_536, 100_000)),
        new AddIngress("weft1"),
        new AddRedirect(new("weft1", "weft-9")),
        new AddIngress("weft2"),
        new AddRedirect(new("weft2", "weft-1")),
        new AddIngress("eth0"),
        new AddRedirect(new("eth0", "weft-9")));
}
