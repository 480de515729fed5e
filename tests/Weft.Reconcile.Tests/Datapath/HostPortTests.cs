using System.Net;
using System.Net.Sockets;
using Weft.Compile;
using Weft.Kernel.Nftables;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Selectors;
using Weft.Primitives;
using Weft.Reconcile.Nftables;
using Weft.Store;

namespace Weft.Reconcile.Tests.Datapath;

/// <summary>Host ports in the kernel, and what routing the loopback address for them must not open.</summary>
public sealed class HostPortTests
{
    private static readonly IPAddress Node = IPAddress.Parse("172.30.0.11");

    private static readonly NodeConfig Config = new(
        "n1", [IpPrefix.Parse("10.244.0.0/16")], [IpPrefix.Parse("10.96.0.0/16")], [IPAddress.Parse("10.96.0.10")], "cluster.local", "eth0", 1500);

    [SkippableFact]
    public void LeadsInFromEverywhereAndKeepsTheClientsAddress()
    {
        using var node = SmallNode.CreateOrSkip(2);
        using var nftables = Load(node, Cluster(2, new PortMapping(Protocol.Tcp, 8081, 8080), new PortMapping(Protocol.Udp, 8053, 8080)));
        node.Serve(1, 8080);

        foreach (var (from, seen) in new[] { ("outside", "172.30.0.200"), ("pod0", "10.244.1.2"), ("node", "172.30.0.11"), ("pod1", "172.30.0.11") })
        {
            Assert.Equal($"pod1 {seen}", node.AskTcp(from, Node, 8081));
            Assert.Equal($"pod1 {seen}", node.AskUdp(from, Node, 8053));
        }
        foreach (var loopback in new[] { "127.0.0.1", "127.1.2.3" })
        {
            Assert.Equal("pod1 172.30.0.11", node.AskTcp("node", IPAddress.Parse(loopback), 8081));
            Assert.Equal("pod1 172.30.0.11", node.AskUdp("node", IPAddress.Parse(loopback), 8053));
        }
        Assert.Equal("refused", node.AskTcp("outside", Node, 8080));
    }

    [SkippableFact]
    public void OneAddressIsOpenAndNoOther()
    {
        using var node = SmallNode.CreateOrSkip(2);
        using var nftables = Load(node, Cluster(2,
            new PortMapping(Protocol.Tcp, 8081, 8080, Node), new PortMapping(Protocol.Tcp, 8082, 8080, IPAddress.Loopback)));
        node.Serve(1, 8080);

        Assert.Equal("pod1 172.30.0.200", node.AskTcp("outside", Node, 8081));
        Assert.Equal("refused", node.AskTcp("node", IPAddress.Loopback, 8081));
        Assert.Equal("pod1 172.30.0.11", node.AskTcp("node", IPAddress.Loopback, 8082));
        Assert.Equal("refused", node.AskTcp("outside", Node, 8082));
    }

    /// <summary>Neither an outside host nor the container reaches what listens on the node's loopback address.</summary>
    [SkippableFact]
    public void LoopbackStaysTheNodesOwn()
    {
        using var node = SmallNode.CreateOrSkip(2);
        using var nftables = Load(node, Cluster(2, new PortMapping(Protocol.Tcp, 8081, 8080)));
        node.Serve(1, 8080);
        using var secret = node["node"].Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var loopback = IPAddress.Parse("127.0.0.2");
        secret.Bind(new IPEndPoint(loopback, 9999));
        secret.Listen(8);
        Assert.Null(Problem(node.Connect("node", loopback, 9999, out var failure), failure));

        // Senders that put the loopback address on the wire: with route_localnet of their own and a route past their lo.
        node.SendLoopbackOut("pod1", "169.254.1.1");
        node.SendLoopbackOut("outside", "172.30.0.11");
        foreach (var from in new[] { "pod1", "outside" })
        {
            Assert.NotNull(Problem(node.Connect(from, loopback, 9999, out failure, 500), failure));
            Assert.NotNull(Problem(node.Connect(from, loopback, 8081, out failure, 500), failure));
        }
        Assert.Equal("pod1 172.30.0.11", node.AskTcp("node", IPAddress.Loopback, 8081));
    }

    [SkippableFact]
    public void AGoneMappingLeavesNothing()
    {
        using var node = SmallNode.CreateOrSkip(2);
        var with = NodeCompiler.Compile(Config, Cluster(2, new PortMapping(Protocol.Tcp, 8081, 8080))).Nft;
        var without = NodeCompiler.Compile(Config, Cluster(2)).Nft;
        using var nftables = new LibNftables(node.NodePath);
        var reconciler = new NftablesReconciler(nftables);
        Assert.True(reconciler.Reconcile(without).Ok);
        foreach (var table in new[] { with, without })
        {
            Assert.Equal(NftPass.Delta, reconciler.Reconcile(table).Pass);
            Assert.Null(reconciler.Last!.Warning);
            Assert.Empty(reconciler.Drift(table).Rows);
        }
        Assert.Equal("refused", node.AskTcp("outside", Node, 8081));
    }

    private static string? Problem(Socket? connected, string? failure)
    {
        connected?.Dispose();
        return failure;
    }

    private static LibNftables Load(SmallNode node, ClusterSnapshot cluster)
    {
        var desired = NodeCompiler.Compile(Config, cluster);
        var nftables = new LibNftables(node.NodePath);
        var result = new NftablesReconciler(nftables).Reconcile(desired.Nft);
        Assert.Null(result.Error);
        Assert.Null(result.Warning);
        node["node"].Run(() =>
        {
            foreach (var sysctl in desired.Routing.Sysctls.Where(s => s.Path.EndsWith("/route_localnet", StringComparison.Ordinal)))
                File.WriteAllText($"/proc/sys/{sysctl.Path}", sysctl.Value);
        });
        return nftables;
    }

    /// <summary>The mappings are those of pod1.</summary>
    private static ClusterSnapshot Cluster(int pods, params PortMapping[] mappings)
    {
        var snapshot = ClusterSnapshot.Empty;
        snapshot = snapshot with
        {
            Nodes = snapshot.Nodes.Add("n1", new Node("n1", [Node], [IpPrefix.Parse("10.244.1.0/24")], Labels.Empty, true)),
        };
        for (var i = 0; i < pods; i++)
        {
            var attachment = new Attachment($"c{i}", "eth0", null, null, [SmallNode.Address(i)], SmallNode.Link(i), "02:00:00:00:00:01", "/proc/self/ns/net")
            {
                PortMappings = i == 1 ? [.. mappings] : [],
            };
            snapshot = snapshot with { Attachments = snapshot.Attachments.Add(attachment.Key, attachment) };
        }
        return snapshot;
    }
}
