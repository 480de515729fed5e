using System.Net;
using Weft.Compile.Tracing;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Policy;
using Weft.Model.Selectors;
using Weft.Store;

namespace Weft.Compile.Tests.Tracing;

public sealed class ClusterTracerTests
{
    private static readonly IPAddress A = IPAddress.Parse("10.244.1.5");
    private static readonly IPAddress B = IPAddress.Parse("10.244.2.5");

    private static ClusterBuilder TwoPods() => new ClusterBuilder().Nodes(2).Namespace("default")
        .Pod("default/a", "n1", "10.244.1.5").Pod("default/b", "n2", "10.244.2.5");

    private static TraceOrigin.Pod Pod(string name) => new TraceOrigin.Pod(new ObjectKey("default", name));

    private static TraceResult Trace(ClusterSnapshot cluster, TraceOrigin from, IPAddress to, int port = 80) =>
        ClusterTracer.Compile(cluster, node => ClusterBuilder.Config(node)).Trace(from, to, Protocol.Tcp, port);

    [Fact]
    public void A_drop_names_the_policy_and_the_stages_name_the_way()
    {
        var policy = new NetworkPolicy(new ObjectKey("default", "closed"), LabelSelector.Everything, true, false, [], []);
        var outcome = Assert.Single(Trace(TwoPods().Policy(policy).Snapshot, Pod("a"), B).Outcomes);
        Assert.Equal(TraceVerdict.Dropped, outcome.Verdict);
        Assert.Equal("not allowed by NetworkPolicy default/closed ingress", outcome.Cause);
        Assert.Equal(["n1", "n2"], outcome.Stages.Select(s => s.Node).Distinct());
        Assert.Contains(outcome.Stages, s => s.Step == "through the tunnel to n2");
    }

    [Fact]
    public void An_allowed_connection_names_the_rule_that_let_it_pass()
    {
        var policy = new NetworkPolicy(
            new ObjectKey("default", "open"), LabelSelector.Everything, true, false, [new PolicyRule([], []), new PolicyRule([], [])], []);
        var outcome = Assert.Single(Trace(TwoPods().Policy(policy).Snapshot, Pod("a"), B).Outcomes);
        Assert.Equal(TraceVerdict.Delivered, outcome.Verdict);
        Assert.Contains(outcome.Stages, s => s.Causes.Contains("NetworkPolicy default/open ingress[0]"));
    }

    [Fact]
    public void A_policy_that_cannot_be_understood_closes_its_pods_in_both_directions()
    {
        var policy = new NetworkPolicy(
            new ObjectKey("default", "odd"), LabelSelector.Everything, true, false, [new PolicyRule([], [])], [], Invalid: "spec.colour: unknown field");
        var cluster = TwoPods().Policy(policy);
        Assert.Equal(TraceVerdict.Dropped, Trace(cluster.Snapshot, Pod("a"), B).Verdict);
        Assert.Contains(cluster.Compile().Diagnostics, d => d is { Object: "NetworkPolicy default/odd", Found: "spec.colour: unknown field" });
    }

    [Fact]
    public void A_pod_that_the_API_has_not_shown_is_closed_and_one_outside_Kubernetes_is_open()
    {
        Assert.Equal(TraceVerdict.Dropped, ToAttachment("default/unknown", null));
        Assert.Equal(TraceVerdict.Delivered, ToAttachment(null, null));
        Assert.Equal(TraceVerdict.Delivered, ToAttachment("default/c", "uid-default/c"));
        // The name is known, but of a pod that is gone: the new one may have other labels.
        Assert.Equal(TraceVerdict.Dropped, ToAttachment("default/c", "another"));

        static TraceVerdict? ToAttachment(string? pod, string? uid)
        {
            var cluster = TwoPods();
            cluster.Pod("default/c", "n1", [], [], []);
            var node = SyntheticAttachments.For(cluster.Snapshot, "n1");
            var attached = new ClusterBuilder(node).Attach(pod, "10.244.1.9", uid).Snapshot;
            var tracer = new ClusterTracer(
                new Dictionary<string, (NodeConfig, DesiredState)>
                {
                    ["n1"] = (ClusterBuilder.Config("n1"), NodeCompiler.Compile(ClusterBuilder.Config("n1"), attached)),
                },
                cluster.Snapshot);
            return tracer.Trace(Pod("a"), IPAddress.Parse("10.244.1.9"), Protocol.Tcp, 80).Verdict;
        }
    }

    [Fact]
    public void Policy_holds_at_ADD_before_the_API_shows_the_address()
    {
        var policy = new NetworkPolicy(new ObjectKey("default", "db"), LabelSelector.Of(("app", "db")), true, false, [], []);
        var cluster = TwoPods().Policy(policy);
        cluster.Pod("default/db", "n1", [], [("app", "db")], []);
        var state = cluster.Attach("default/db", "10.244.1.7").Compile();
        Assert.Contains(
            state.Nft.Sets.Single(s => s.Name == "ingress-4").Elements, e => e.Key[0] == NftValue.Of(IPAddress.Parse("10.244.1.7")));
    }

    [Fact]
    public void A_node_that_is_left_out_cannot_be_reached()
    {
        var cluster = TwoPods().Node("n2", ["172.30.0.12"]);
        var outcome = Assert.Single(Trace(cluster.Snapshot, Pod("a"), B).Outcomes);
        Assert.Equal(TraceVerdict.Unroutable, outcome.Verdict);
        Assert.Contains("no route to 10.244.2.5", outcome.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_that_bypasses_the_translating_node_is_noticed()
    {
        // A node port without masquerading: the backend's node would answer the outside host directly.
        var cluster = TwoPods().Service(ClusterBuilder.Web(nodePort: 30080), ("10.244.2.5", "n2", true)).Snapshot;
        var nodes = cluster.Nodes.Keys.ToDictionary(n => n, n =>
        {
            var state = NodeCompiler.Compile(ClusterBuilder.Config(n), SyntheticAttachments.For(cluster, n));
            var chains = state.Nft.Chains.Select(c => c.Name == "nat-postrouting" ? c with { Rules = [] } : c);
            return (ClusterBuilder.Config(n), state with { Nft = state.Nft with { Chains = [.. chains] } });
        });
        var outcome = Assert.Single(new ClusterTracer(nodes, cluster)
            .Trace(new TraceOrigin.Outside(IPAddress.Parse("172.30.0.100")), IPAddress.Parse("172.30.0.11"), Protocol.Tcp, 30080).Outcomes);
        Assert.Equal(TraceVerdict.ReplyLost, outcome.Verdict);
        Assert.Contains("does not pass node n1", outcome.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public void A_backend_that_policy_closes_shows_as_one_of_several_ways()
    {
        var policy = new NetworkPolicy(new ObjectKey("default", "b"), LabelSelector.Of(("app", "b")), true, false, [], []);
        var cluster = new ClusterBuilder().Nodes(2).Namespace("default")
            .Pod("default/a", "n1", "10.244.1.5").Pod("default/b", "n2", "10.244.2.5", ("app", "b")).Pod("default/c", "n2", "10.244.2.6")
            .Service(ClusterBuilder.Web(), ("10.244.2.5", "n2", true), ("10.244.2.6", "n2", true))
            .Policy(policy);
        var result = Trace(cluster.Snapshot, Pod("a"), IPAddress.Parse("10.96.0.5"));
        Assert.Null(result.Verdict);
        Assert.Equal([TraceVerdict.Delivered, TraceVerdict.Dropped], result.Outcomes.Select(o => o.Verdict).Order());
        Assert.All(result.Outcomes, o => Assert.Equal(A, o.Source));
    }

    [Theory]
    [InlineData("10.244.1.5", HookVerdict.Continue)]
    [InlineData("10.244.1.6", HookVerdict.Drop)]
    [InlineData("192.0.2.7", HookVerdict.Drop)]
    internal void A_pod_speaks_from_its_own_address_only(string source, HookVerdict verdict)
    {
        var state = new ClusterBuilder().Nodes(1).Namespace("default")
            .Pod("default/a", "n1", "10.244.1.5").Pod("default/b", "n1", "10.244.1.6")
            .Attach("default/a", "10.244.1.5").Attach("default/b", "10.244.1.6").Compile();
        var rules = new NftInterpreter(state.Nft, new TracedNode(ClusterBuilder.Config("n1"), state, []));
        var packet = new TracePacket(IPAddress.Parse(source), B, 6, 40000, 80, B, InputInterface: "weft10-244-1-5", OutputInterface: "weft.vxlan");
        Assert.Equal(verdict, Assert.Single(rules.Run(NftHookPoint.Forward, NftChainType.Filter, packet)).Verdict);
    }

    [Fact]
    public void An_external_address_is_served_where_it_comes_in()
    {
        var service = ClusterBuilder.Web() with { ExternalIPs = ClusterBuilder.Ips("192.0.2.1") };
        var cluster = TwoPods().Service(service, ("10.244.2.5", "n2", true)).Snapshot;
        var outcome = Assert.Single(Trace(
            cluster, new TraceOrigin.Outside(IPAddress.Parse("172.30.0.100"), Via: "n1"), IPAddress.Parse("192.0.2.1")).Outcomes);
        Assert.Equal((TraceVerdict.Delivered, "default/b"), (outcome.Verdict, outcome.Target?.Name));
        Assert.Equal("10.244.1.0", outcome.Source.ToString());
    }
}
