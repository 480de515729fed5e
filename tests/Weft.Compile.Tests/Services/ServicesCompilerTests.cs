using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Services;

namespace Weft.Compile.Tests.Services;

public sealed class ServicesCompilerTests
{
    private static NftSet Set(DesiredState state, string name) => state.Nft.Sets.Single(s => s.Name == name);

    [Fact]
    public void Services_with_as_many_endpoints_share_a_chain()
    {
        var other = ClusterBuilder.Web("10.96.0.6") with { Key = new ObjectKey("default", "other") };
        var state = new ClusterBuilder().Nodes(2)
            .Service(ClusterBuilder.Web(), ("10.244.1.5", "n1", true), ("10.244.2.5", "n2", true))
            .Service(other, ("10.244.1.6", "n1", true), ("10.244.2.6", "n2", true))
            .Compile();
        Assert.Equal(2, Set(state, "services-4").Elements.Count);
        Assert.Equal(4, Set(state, "services-backends-4").Elements.Count);
        Assert.Single(state.Nft.Chains, c => c.Name.StartsWith("services-4-n", StringComparison.Ordinal));
    }

    [Fact]
    public void A_Service_without_ready_endpoints_is_refused_and_not_translated()
    {
        var state = new ClusterBuilder().Nodes(1).Service(ClusterBuilder.Web(nodePort: 30080), ("10.244.1.5", "n1", false)).Compile();
        Assert.Empty(Set(state, "services-4").Elements);
        Assert.Equal(NftVerdict.Goto("service-reject"), Assert.Single(Set(state, "services-refused-4").Elements).Verdict);
        Assert.Equal(NftVerdict.Goto("service-reject"), Assert.Single(Set(state, "nodeports-refused-4").Elements).Verdict);
    }

    [Fact]
    public void Endpoints_that_still_serve_while_terminating_are_the_last_resort()
    {
        var cluster = new ClusterBuilder().Nodes(1).Service(ClusterBuilder.Web());
        var slice = cluster.Snapshot.EndpointSlices.Values.Single() with
        {
            Endpoints = [new Endpoint(ClusterBuilder.Ips("10.244.1.5"), Ready: false, Serving: true, Terminating: true, null, "n1", null)],
        };
        var state = NodeCompiler.Compile(
            ClusterBuilder.Config("n1"), cluster.Snapshot with { EndpointSlices = cluster.Snapshot.EndpointSlices.SetItem(slice.Key, slice) });
        Assert.Single(Set(state, "services-backends-4").Elements);
    }

    [Fact]
    public void The_DNS_address_is_never_translated()
    {
        var state = new ClusterBuilder().Nodes(1).Service(ClusterBuilder.Web("10.96.0.10", 53), ("10.244.1.5", "n1", true)).Compile();
        Assert.Empty(Set(state, "services-4").Elements);
        Assert.Empty(Set(state, "cluster-ips-4").Elements);
    }

    [Fact]
    public void Nobody_takes_over_a_cluster_address_through_externalIPs()
    {
        var thief = ClusterBuilder.Web("10.96.0.6") with { Key = new ObjectKey("attack", "a"), ExternalIPs = ClusterBuilder.Ips("10.96.0.5", "10.96.0.10") };
        var state = new ClusterBuilder().Nodes(1)
            .Service(ClusterBuilder.Web(), ("10.244.1.5", "n1", true))
            .Service(thief, ("10.244.1.66", "n1", true))
            .Compile();
        var backends = Set(state, "services-backends-4").Elements
            .Where(e => e.Key[0] == NftValue.Of(ClusterBuilder.Ips("10.96.0.5")[0])).Select(e => e.Data[0]);
        Assert.Equal([NftValue.Of(ClusterBuilder.Ips("10.244.1.5")[0])], backends);
        Assert.Equal(["10.96.0.10", "10.96.0.5:80/Tcp"], state.Diagnostics.Select(d => d.Found).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Session_affinity_picks_the_backend_by_client()
    {
        var sticky = ClusterBuilder.Web() with { ClientIPAffinitySeconds = 10800 };
        var state = new ClusterBuilder().Nodes(1).Service(sticky, ("10.244.1.5", "n1", true), ("10.244.1.6", "n1", true)).Compile();
        var chain = Assert.Single(state.Nft.Chains, c => c.Name == "services-4-n2-sticky");
        Assert.True(Assert.Single(chain.Rules.SelectMany(r => r.Expressions).OfType<NftDnat>()).BySource);
    }
}
