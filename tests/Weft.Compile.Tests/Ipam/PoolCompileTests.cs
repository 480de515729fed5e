using System.Collections.Immutable;
using System.Net;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Compile.Tests.Ipam;

/// <summary>Pools and blocks as routes and rules.</summary>
public sealed class PoolCompileTests
{
    private static IpPool Pool(string name, string cidr, int created = 0, bool nat = true) => new(
        name, IpPrefix.Parse(cidr), 26, null, null, [], false, nat, false, PoolAssignment.Automatic, DateTimeOffset.UnixEpoch.AddSeconds(created));

    private static AddressBlock Block(string cidr, string node, int created = 0, params (string Node, string Address)[] loans) => new(
        AddressBlock.NameOf(IpPrefix.Parse(cidr)), "uid", "1", IpPrefix.Parse(cidr), "pool", node,
        loans.Select((l, i) => new AddressLoan($"l{i}", l.Node, Address: IPAddress.Parse(l.Address))).ToEquatableArray(), DateTimeOffset.UnixEpoch.AddSeconds(created), false);

    private static DesiredState Compile(ClusterBuilder cluster, string node, IpPool[] pools, params AddressBlock[] blocks) => NodeCompiler.Compile(
        ClusterBuilder.Config(node),
        cluster.Snapshot with { Pools = pools.ToImmutableDictionary(p => p.Name), Blocks = blocks.ToImmutableDictionary(b => b.Name) });

    private static string? Via(DesiredState state, string destination) =>
        state.Routing.Routes.FirstOrDefault(r => r.Destination == IpPrefix.Parse(destination)) is { } route ? $"{route.Gateway} {route.Link}" : null;

    [Fact]
    public void A_block_leads_to_its_node_and_a_loan_to_its_borrower()
    {
        var blocks = new[] { Block("10.50.0.0/26", "n1"), Block("10.50.0.64/26", "n2", 0, ("n3", "10.50.0.70"), ("n1", "10.50.0.71")) };
        var cluster = new ClusterBuilder().Nodes(3);
        var first = Compile(cluster, "n1", [Pool("pool", "10.50.0.0/16")], blocks);
        Assert.Equal("10.244.2.0 weft.vxlan", Via(first, "10.50.0.64/26"));
        Assert.Equal("10.244.3.0 weft.vxlan", Via(first, "10.50.0.70/32"));
        Assert.Null(Via(first, "10.50.0.0/26"));
        Assert.Null(Via(first, "10.50.0.71/32"));
        Assert.Equal("10.244.3.0 weft.vxlan", Via(Compile(cluster, "n2", [Pool("pool", "10.50.0.0/16")], blocks), "10.50.0.70/32"));
        Assert.Empty(first.Diagnostics);
        // The tunnel's own address and the next hops are those of a cluster without pools.
        Assert.Equal(cluster.Compile().Routing.Addresses, first.Routing.Addresses);
    }

    [Fact]
    public void A_node_without_pod_prefix_is_reached_through_its_oldest_block()
    {
        var cluster = new ClusterBuilder().Nodes(1).Node("n2", ["172.30.0.12"]);
        var state = Compile(cluster, "n1", [Pool("pool", "10.50.0.0/16")], Block("10.50.0.0/26", "n2", 7), Block("10.50.0.64/26", "n2", 5));
        Assert.Equal("10.50.0.64 weft.vxlan", Via(state, "10.50.0.0/26"));
        Assert.Equal("10.50.0.64 weft.vxlan", Via(state, "10.50.0.64/26"));
        Assert.Empty(state.Diagnostics);
        var own = Compile(cluster, "n2", [Pool("pool", "10.50.0.0/16")], Block("10.50.0.0/26", "n2", 7), Block("10.50.0.64/26", "n2", 5));
        Assert.Equal(IPAddress.Parse("10.50.0.64"), Assert.Single(own.Routing.Addresses, a => a.Link == "weft.vxlan").Address);
    }

    [Fact]
    public void Of_what_overlaps_the_older_one_counts_whatever_its_name()
    {
        var state = Compile(
            new ClusterBuilder().Nodes(2), "n1",
            [Pool("b-old", "10.50.0.0/16", 1), Pool("a-new", "10.50.128.0/17", 2), Pool("services", "10.96.0.0/24"), Pool("nodes", "172.30.0.0/16")],
            Block("10.50.0.0/25", "n2", 9), Block("10.50.0.0/26", "n2", 3), Block("10.244.2.0/26", "n2"));
        Assert.Equal(
            ["IPBlock 10-244-2-0-26", "IPBlock 10-50-0-0-25", "IPPool a-new", "IPPool nodes", "IPPool services"], state.Diagnostics.Select(d => d.Object).Order(StringComparer.Ordinal));
        Assert.Contains("older IPPool b-old", state.Diagnostics.First(d => d.Object == "IPPool a-new").Advice, StringComparison.Ordinal);
        Assert.NotNull(Via(state, "10.50.0.0/26"));
        Assert.Null(Via(state, "10.50.0.0/25"));
    }

    [Fact]
    public void A_pool_outside_the_cluster_prefix_is_pod_network_and_leaves_as_it_says()
    {
        var cluster = new ClusterBuilder().Nodes(2);
        string Leaving(params IpPool[] pools) => string.Join('\n', Compile(cluster, "n1", pools).Nft.Chains
            .SelectMany(c => c.Rules).Where(r => r.Cause == "leaves the cluster").Select(r => r.ToString()));
        Assert.Equal(2, Leaving(Pool("pool", "10.50.0.0/16")).Split('\n').Length);
        Assert.Single(Leaving(Pool("pool", "10.50.0.0/16", nat: false)).Split('\n'));
        Assert.Contains("10.50.0.0", Leaving(Pool("pool", "10.50.0.0/16", nat: false)), StringComparison.Ordinal);
        Assert.Equal(Leaving(), Leaving(Pool("pool", "10.244.128.0/17")));
        // Half of the cluster's prefix does not hide: the other half does.
        Assert.Contains("10.244.0.0/17", Leaving(Pool("pool", "10.244.128.0/17", nat: false)), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_of_blocks_are_names_of_objects_and_differ()
    {
        Assert.Equal("10-50-0-64-26", AddressBlock.NameOf(IpPrefix.Parse("10.50.0.64/26")));
        Assert.Equal("fd00-50--40-122", AddressBlock.NameOf(IpPrefix.Parse("fd00:50::40/122")));
        Assert.Equal("0---122", AddressBlock.NameOf(IpPrefix.Parse("::/122")));
    }
}
