using System.Net;
using Weft.Compile.Routing;
using Weft.Model.Nft;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Compile.Tests.Routing;

public sealed class RoutingCompilerTests
{
    [Fact]
    public void A_remote_node_gets_forwarding_entry_neighbor_and_onlink_route()
    {
        var routing = new ClusterBuilder().Nodes(2).Compile().Routing;
        var mac = VtepMac.Of("n2");
        Assert.Contains(new ForwardingEntry("weft.vxlan", mac, IPAddress.Parse("172.30.0.12")), routing.Forwarding);
        Assert.Contains(new Neighbor("weft.vxlan", IPAddress.Parse("10.244.2.0"), mac), routing.Neighbors);
        Assert.Contains(
            new Route(IpPrefix.Parse("10.244.2.0/24"), "weft.vxlan", IPAddress.Parse("10.244.2.0"), OnLink: true), routing.Routes);
        Assert.Contains(new LinkAddress("weft.vxlan", IPAddress.Parse("10.244.1.0"), 32), routing.Addresses);
        var vxlan = Assert.Single(routing.Links.OfType<VxlanLink>());
        Assert.Equal((1450, 4096, 4789), (vxlan.Mtu, vxlan.Vni, vxlan.Port));
    }

    [Fact]
    public void An_underlay_of_IPv6_alone_costs_twenty_bytes_more()
    {
        var cluster = new ClusterBuilder()
            .Node("n1", ["fd00:30::11"], "fd00:244:0:1::/64")
            .Node("n2", ["fd00:30::12"], "fd00:244:0:2::/64");
        var routing = cluster.Compile(dual: true).Routing;
        Assert.Equal(1430, Assert.Single(routing.Links.OfType<VxlanLink>()).Mtu);
        Assert.Contains(routing.Routes, r => r.Destination == IpPrefix.Parse("fd00:244:0:2::/64") && r.OnLink);
        Assert.Contains(routing.Addresses, a => a is { Link: "weft.vxlan", PrefixLength: 128 });
    }

    [Fact]
    public void Of_overlapping_nodes_the_first_by_name_keeps_its_prefix_on_every_node()
    {
        var cluster = new ClusterBuilder().Nodes(2).Node("n3", ["172.30.0.13"], "10.244.2.128/25");
        var onFirst = cluster.Compile("n1");
        Assert.Contains(onFirst.Routing.Routes, r => r.Destination == IpPrefix.Parse("10.244.2.0/24"));
        Assert.DoesNotContain(onFirst.Routing.Routes, r => r.Destination == IpPrefix.Parse("10.244.2.128/25"));
        var diagnostic = Assert.Single(onFirst.Diagnostics);
        Assert.Equal(("Node n3", "spec.podCIDRs", "10.244.2.128/25"), (diagnostic.Object, diagnostic.Field, diagnostic.Found));
        Assert.Contains("node n2", diagnostic.Advice, StringComparison.Ordinal);
        // The loser itself comes to the same judgement and does not announce the address.
        Assert.DoesNotContain(cluster.Compile("n3").Routing.Links, l => l is VxlanLink);
    }

    [Theory]
    [InlineData("0.0.0.0/0")]
    [InlineData("192.168.0.0/24")]
    public void A_prefix_outside_the_cluster_is_not_routed(string cidr)
    {
        var state = new ClusterBuilder().Nodes(1).Node("n2", ["172.30.0.12"], cidr).Compile();
        Assert.DoesNotContain(state.Routing.Routes, r => r.Destination == IpPrefix.Parse(cidr));
        Assert.Equal(cidr, Assert.Single(state.Diagnostics).Found);
    }

    [Fact]
    public void Nodes_without_prefix_or_address_are_left_out_with_a_diagnostic_each()
    {
        var state = new ClusterBuilder().Nodes(1)
            .Node("n2", ["172.30.0.12"])
            .Node("n3", [], "10.244.3.0/24")
            .Compile();
        Assert.Empty(state.Routing.Forwarding);
        Assert.Equal(["Node n2", "Node n3"], state.Diagnostics.Select(d => d.Object).Order());
    }

    [Fact]
    public void Without_its_own_node_object_there_is_no_tunnel_but_local_pods_keep_their_policy()
    {
        var state = new ClusterBuilder().Nodes(2).Attach("default/a", "10.244.9.5").Compile("n9");
        Assert.DoesNotContain(state.Routing.Links, l => l is VxlanLink);
        Assert.Contains(state.Diagnostics, d => d.Object == "Node n9");
        Assert.Contains(state.Nft.Chains, c => c.Name == "pod-unknown");
    }

    [Fact]
    public void A_local_attachment_gets_a_host_route_and_a_permanent_neighbor()
    {
        var routing = new ClusterBuilder().Nodes(1).Attach("default/a", "10.244.1.5").Compile().Routing;
        Assert.Contains(new Route(IpPrefix.Parse("10.244.1.5/32"), "weft10-244-1-5", Source: IPAddress.Parse("172.30.0.11"), LinkScope: true), routing.Routes);
        Assert.Contains(new Neighbor("weft10-244-1-5", IPAddress.Parse("10.244.1.5"), MacAddress.Parse("02:00:00:00:00:01")), routing.Neighbors);
        Assert.Contains(new Sysctl("net/ipv4/conf/weft10-244-1-5/rp_filter", "2"), routing.Sysctls);
    }

    [Fact]
    public void Tunnel_hardware_addresses_are_local_unicast_and_differ_by_node()
    {
        var macs = Enumerable.Range(0, 1000).Select(i => VtepMac.Of($"node-{i}")).ToList();
        Assert.Equal(1000, macs.Distinct().Count());
        Assert.All(macs, mac => Assert.Equal(0x02UL, mac.Value >> 40 & 0x03));
    }
}
