using System.Net;
using Weft.Compile.HostPorts;
using Weft.Compile.Tracing;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Nft;
using Weft.Model.Services;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Tests.HostPorts;

public class HostPortsCompilerTests
{
    private static readonly IPAddress Node = IPAddress.Parse("172.30.0.11");
    private static readonly IPAddress Loopback = IPAddress.Loopback;

    private static Attachment Attached(string id, string address, params PortMapping[] mappings) => new(
        id, "eth0", null, null, ClusterBuilder.Ips(address), "weft" + id, "02:00:00:00:00:01", "/var/run/netns/" + id) { PortMappings = [.. mappings] };

    private static ClusterSnapshot With(ClusterBuilder builder, params Attachment[] attachments) => builder.Snapshot with
    {
        Attachments = builder.Snapshot.Attachments.SetItems(attachments.Select(a => KeyValuePair.Create(a.Key, a))),
    };

    private static DesiredState Compile(ClusterBuilder builder, params Attachment[] attachments) =>
        NodeCompiler.Compile(ClusterBuilder.Config("n1"), With(builder, attachments));

    private static PortMapping Tcp(int hostPort, int containerPort = 8080, string? hostIp = null) =>
        new(Protocol.Tcp, hostPort, containerPort, hostIp is null ? null : IPAddress.Parse(hostIp));

    private static IEnumerable<string> Elements(DesiredState state, string set) =>
        state.Nft.Sets.Single(s => s.Name == set).Elements.Select(e => string.Join(" ", e.Key.Concat(e.Data)));

    [Fact]
    public void ANodeWithoutMappingsHasNothingOfThem()
    {
        var state = Compile(new ClusterBuilder().Nodes(1), Attached("a", "10.244.1.5"));
        Assert.DoesNotContain(state.Nft.Sets, s => s.Name.StartsWith("hostports", StringComparison.Ordinal));
        Assert.DoesNotContain(state.Routing.Sysctls, s => s.Path.EndsWith("route_localnet", StringComparison.Ordinal));
    }

    [Fact]
    public void AThousandMappingsShareOneChain()
    {
        var state = Compile(new ClusterBuilder().Nodes(1), Attached("a", "10.244.1.5", [.. Enumerable.Range(20000, 1000).Select(p => Tcp(p))]));
        Assert.Single(state.Nft.Chains, c => c.Name.StartsWith("hostports", StringComparison.Ordinal));
        Assert.Equal(1000, state.Nft.Sets.Single(s => s.Name == "hostports-4").Elements.Count);
        Assert.Equal(1000, state.Nft.Sets.Single(s => s.Name == "hostports-backends-4").Elements.Count);
    }

    [Fact]
    public void AnAddressOfTheNodeIsAMapOfItsOwnAndTheUnspecifiedOneMeansItsFamily()
    {
        var mapped = Attached("a", "10.244.1.5", Tcp(80, hostIp: "172.30.0.11"), Tcp(81, hostIp: "0.0.0.0"), Tcp(82, hostIp: "::"));
        var state = NodeCompiler.Compile(ClusterBuilder.Config("n1", dual: true), With(new ClusterBuilder().Nodes(1), mapped));
        Assert.Single(state.Nft.Sets.Single(s => s.Name == "hostports-at-4").Elements);
        Assert.Single(state.Nft.Sets.Single(s => s.Name == "hostports-4").Elements);
        var diagnostic = Assert.Single(state.Diagnostics);
        Assert.Contains("no IPv6 address", diagnostic.Advice);
    }

    [Fact]
    public void LoopbackIsRoutedOnlyOnLinksThatNeedIt()
    {
        var state = Compile(
            new ClusterBuilder().Nodes(1), Attached("a", "10.244.1.5", Tcp(80)), Attached("b", "10.244.1.6", Tcp(81, hostIp: "172.30.0.11")),
            Attached("c", "10.244.1.7", Tcp(82, hostIp: "127.0.0.1")), Attached("d", "10.244.1.8"));
        Assert.Equal(
            ["net/ipv4/conf/wefta/route_localnet", "net/ipv4/conf/weftc/route_localnet"],
            state.Routing.Sysctls.Where(s => s.Path.EndsWith("route_localnet", StringComparison.Ordinal)).Select(s => s.Path));
        Assert.Equal(2, state.Nft.Sets.Single(s => s.Name == "hostports-links").Elements.Count);
    }

    [Fact]
    public void ANodePortAndAnExternalAddressGoBeforeAHostPort()
    {
        var builder = new ClusterBuilder().Nodes(1).Service(
            ClusterBuilder.Web(nodePort: 30080) with { ExternalIPs = [Node] }, ("10.244.1.9", "n1", true));
        var state = Compile(builder, Attached("a", "10.244.1.5", Tcp(30080), Tcp(80, hostIp: "172.30.0.11"), Tcp(80, hostIp: "127.0.0.1")));
        Assert.Empty(Elements(state, "hostports-4"));
        Assert.Single(Elements(state, "hostports-at-4"));
        Assert.Equal(["any address port 30080/TCP", "172.30.0.11 port 80/TCP"], state.Diagnostics.Select(d => d.Found));
        Assert.All(state.Diagnostics, d => Assert.Contains("Service default/web has this port", d.Advice));
    }

    [Fact]
    public void ANodePortWithoutEndpointsStillRefuses()
    {
        var builder = new ClusterBuilder().Nodes(1).Service(ClusterBuilder.Web(nodePort: 30080));
        var traced = Trace(With(builder, Attached("a", "10.244.1.5", Tcp(30080))), new TraceOrigin.Outside(IPAddress.Parse("172.30.0.2")), Node, 30080);
        Assert.Equal(TraceVerdict.Rejected, traced.Verdict);
    }

    [Fact]
    public void OrderOfAttachmentsDoesNotMatter()
    {
        var (a, b) = (Attached("a", "10.244.1.5", Tcp(80)), Attached("b", "10.244.1.6", Tcp(80)));
        var builder = new ClusterBuilder().Nodes(1);
        var state = Compile(builder, a, b);
        Assert.Equal(state, Compile(builder, b, a));
        // Should two hold a port in spite of ADD, one keeps it and the other is told.
        Assert.Single(Elements(state, "hostports-4"));
        var diagnostic = Assert.Single(state.Diagnostics);
        Assert.Equal("Node n1", diagnostic.Object);
        Assert.Contains("container b", diagnostic.Field);
        Assert.Equal("Pod default/b", Assert.Single(Compile(builder, a, b with { Pod = new ObjectKey("default", "b") }).Diagnostics).Object);
    }

    [Theory]
    [InlineData("172.30.0.11", "172.30.0.2", TraceVerdict.Delivered)]
    [InlineData("127.0.0.1", "172.30.0.2", TraceVerdict.Unroutable)]
    [InlineData("127.0.0.1", null, TraceVerdict.Delivered)]
    [InlineData("127.5.5.5", null, TraceVerdict.Delivered)]
    [InlineData("172.30.0.11", null, TraceVerdict.Delivered)]
    public void ThePacketIsDelivered(string to, string? outside, TraceVerdict verdict)
    {
        TraceOrigin origin = outside is null ? new TraceOrigin.Node("n1") : new TraceOrigin.Outside(IPAddress.Parse(outside), "n1");
        var traced = Trace(With(new ClusterBuilder().Nodes(1), Attached("a", "10.244.1.5", Tcp(80))), origin, IPAddress.Parse(to), 80);
        Assert.Equal(verdict, traced.Verdict);
        if (verdict == TraceVerdict.Delivered)
        {
            Assert.Equal(IPAddress.Parse("10.244.1.5"), traced.Outcomes[0].Destination);
            Assert.Equal(outside is null ? Node : IPAddress.Parse(outside), traced.Outcomes[0].Source);
        }
    }

    [Fact]
    public void WithoutRouteLocalnetTheTracerSaysSo()
    {
        var snapshot = With(new ClusterBuilder().Nodes(1), Attached("a", "10.244.1.5", Tcp(80)));
        var config = ClusterBuilder.Config("n1");
        var state = NodeCompiler.Compile(config, snapshot);
        state = state with { Routing = state.Routing with { Sysctls = [.. state.Routing.Sysctls.Where(s => !s.Path.EndsWith("route_localnet", StringComparison.Ordinal))] } };
        var tracer = new ClusterTracer(new Dictionary<string, (NodeConfig, DesiredState)> { ["n1"] = (config, state) }, snapshot);
        Assert.Equal(TraceVerdict.Unroutable, tracer.Trace(new TraceOrigin.Node("n1"), Loopback, Protocol.Tcp, 80).Verdict);
    }

    [Fact]
    public void ASecondHolderIsRefusedByName()
    {
        Attachment[] held =
        [
            Attached("a", "10.244.1.5", Tcp(80), Tcp(443, hostIp: "172.30.0.11")) with { Pod = new ObjectKey("default", "web") },
            Attached("b", "10.244.1.6", Tcp(9000, hostIp: "::")),
        ];
        AttachmentKey other = new("weft", "z", "eth0");
        Assert.Equal("any address port 80/TCP of the node is taken by Pod default/web", HostPortConflicts.Find(other, [Tcp(80)], held));
        Assert.Equal("10.0.0.1 port 80/TCP of the node is taken by Pod default/web", HostPortConflicts.Find(other, [Tcp(80, hostIp: "10.0.0.1")], held));
        Assert.Equal("any address port 443/TCP of the node is taken by Pod default/web", HostPortConflicts.Find(other, [Tcp(443)], held));
        Assert.Contains("container b (eth0 on network weft)", HostPortConflicts.Find(other, [Tcp(9000)], held));
        Assert.Null(HostPortConflicts.Find(other, [Tcp(443, hostIp: "172.30.0.12"), Tcp(9000, hostIp: "0.0.0.0"), new PortMapping(Protocol.Udp, 80, 80)], held));
        // The attachment itself, asked for again.
        Assert.Null(HostPortConflicts.Find(held[0].Key, held[0].PortMappings, held));
        Assert.Contains("asks twice", HostPortConflicts.Find(other, [Tcp(1000, 1), Tcp(1000, 2)], held));
        Assert.Null(HostPortConflicts.Find(other, [Tcp(1000, 1), Tcp(1000, 1)], held));
    }

    private static TraceResult Trace(ClusterSnapshot snapshot, TraceOrigin origin, IPAddress to, int port)
    {
        var config = ClusterBuilder.Config("n1");
        var nodes = new Dictionary<string, (NodeConfig, DesiredState)> { ["n1"] = (config, NodeCompiler.Compile(config, snapshot)) };
        return new ClusterTracer(nodes, snapshot).Trace(origin, to, Protocol.Tcp, port);
    }
}
