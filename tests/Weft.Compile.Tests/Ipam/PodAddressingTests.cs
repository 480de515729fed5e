using System.Collections.Immutable;
using Weft.Compile.Ipam;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Selectors;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Tests.Ipam;

public sealed class PodAddressingTests
{
    private static readonly Node Node = new("n1", [], [IpPrefix.Parse("10.244.1.0/24")], Labels.Of(("zone", "a")), true);

    private static readonly Namespace Shop = new("shop", Labels.Of(("team", "shop")));

    private static IpPool Pool(string name, string cidr, string? nodeZone = null, string? team = null, bool disabled = false, bool onRequest = false) => new(
        name, IpPrefix.Parse(cidr), 26, nodeZone is null ? null : LabelSelector.Of(("zone", nodeZone)), team is null ? null : LabelSelector.Of(("team", team)), [],
        disabled, true, false, onRequest ? PoolAssignment.AnnotationOnly : PoolAssignment.Automatic, DateTimeOffset.UnixEpoch);

    private static readonly IpPool[] Pools =
    [
        Pool("all", "10.1.0.0/16"), Pool("shop", "10.2.0.0/16", team: "shop"), Pool("other", "10.3.0.0/16", team: "other"),
        Pool("zone-b", "10.4.0.0/16", nodeZone: "b"), Pool("off", "10.5.0.0/16", disabled: true), Pool("asked", "10.6.0.0/16", onRequest: true),
        Pool("six", "fd00:6::/64", onRequest: true),
    ];

    private static PodAddressing Of(string pools = "", string addresses = "", string spacePools = "", Node? node = null, IpPool[]? from = null)
    {
        var plan = PoolPlan.Of(ClusterBuilder.Config("n1"), ClusterSnapshot.Empty with { Pools = (from ?? Pools).ToImmutableDictionary(p => p.Name) });
        var pod = new Workload(new ObjectKey("shop", "p"), "u", "n1", Labels.Empty, [], false, [])
        {
            Annotations = Annotations((IpamAnnotations.Pools, pools), (IpamAnnotations.Addresses, addresses)),
        };
        return PodAddressing.Of(plan, node ?? Node, pod, Shop with { Annotations = Annotations((IpamAnnotations.Pools, spacePools)) }, []);
    }

    private static Labels Annotations(params (string Key, string Value)[] pairs) => Labels.Of([.. pairs.Where(p => p.Value.Length > 0)]);

    private static string Describe(PodAddressing addressing) => addressing.Problem ?? string.Join("; ", addressing.Families.Select(
        f => $"{(f.IPv6 ? 6 : 4)}: {string.Join(" ", f.Pools.Select(p => p.Length == 0 ? "node" : p))}"));

    [Fact]
    public void Unasked_come_pools_with_namespace_selector_then_the_others_then_the_node() => Assert.Equal("4: shop all node", Describe(Of()));

    [Fact]
    public void A_pod_goes_before_its_namespace_which_goes_before_what_serves_all()
    {
        Assert.Equal("4: asked", Describe(Of(spacePools: "asked")));
        Assert.Equal("4: all asked", Describe(Of("all, asked", spacePools: "shop")));
        // What one family is asked for leaves the other as it was.
        Assert.Equal("4: shop all node; 6: six", Describe(Of("six")));
        Assert.Equal("4: asked; 6: six", Describe(Of("six", spacePools: "asked")));
    }

    [Fact]
    public void Without_a_prefix_of_the_node_pools_decide_the_families()
    {
        Assert.Equal("4: shop all node", Describe(Of(node: Node with { PodCidrs = [] })));
        Assert.Equal("6: six", Describe(Of("six", node: Node with { PodCidrs = [] })));
        Assert.Equal("", Describe(Of(node: Node with { PodCidrs = [] }, from: [])));
    }

    [Theory]
    [InlineData("nosuch", "weft.dev/ip-pools is 'nosuch', but there is no IPPool nosuch (annotation of pod shop/p)")]
    [InlineData("all,off", "weft.dev/ip-pools is 'all,off', but IPPool off is disabled (annotation of pod shop/p)")]
    [InlineData("zone-b", "weft.dev/ip-pools is 'zone-b', but the nodeSelector of IPPool zone-b does not match node n1 (annotation of pod shop/p)")]
    [InlineData("other", "weft.dev/ip-pools is 'other', but the namespaceSelector of IPPool other does not match namespace shop (annotation of pod shop/p)")]
    [InlineData(" , ", "weft.dev/ip-pools is ' , ', which names no pool (annotation of pod shop/p)")]
    public void Pools_that_cannot_be_used_are_named_with_the_reason(string pools, string problem) => Assert.Equal(problem, Of(pools).Problem);

    [Theory]
    [InlineData("10.2.0.9", "", null)]
    [InlineData("10.244.1.9", "", null)]
    [InlineData("10.6.0.9", "", null)]
    [InlineData("10.6.0.9,fd00:6::9", "", null)]
    [InlineData("10.2.0.9", "asked", "address 10.2.0.9 was asked for, which is outside of 10.6.0.0/16 of pool asked")]
    [InlineData("10.5.0.9", "", "address 10.5.0.9 was asked for, which is outside of 10.244.1.0/24 of node n1, 10.1.0.0/16 of pool all")]
    [InlineData("10.2.0.9,10.1.0.9", "", "weft.dev/ip-addresses is '10.2.0.9,10.1.0.9': it has two IPv4 addresses; give one a family (annotation of pod shop/p)")]
    [InlineData("web", "", "weft.dev/ip-addresses is 'web': 'web' is not an address (annotation of pod shop/p)")]
    [InlineData("10.2.0.0/30", "", "weft.dev/ip-addresses is '10.2.0.0/30': '10.2.0.0/30' is not an address (annotation of pod shop/p)")]
    public void Fixed_addresses_lie_within_what_serves_the_pod(string addresses, string pools, string? problem)
    {
        var found = Of(pools, addresses);
        if (problem is null)
            Assert.Equal((null, addresses), (found.Problem, string.Join(",", found.Fixed)));
        else
            Assert.StartsWith(problem, found.Problem, StringComparison.Ordinal);
    }
}
