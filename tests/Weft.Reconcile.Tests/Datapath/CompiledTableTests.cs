using System.Net;
using System.Net.Sockets;
using Weft.Compile;
using Weft.Kernel.Nftables;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Nft;
using Weft.Model.Policy;
using Weft.Model.Selectors;
using Weft.Model.Services;
using Weft.Primitives;
using Weft.Reconcile.Nftables;
using Weft.Reconcile.Tests.Nftables;
using Weft.Store;

namespace Weft.Reconcile.Tests.Datapath;

/// <summary>What the compilers make of a small cluster, in the kernel, before real packets: TCP, UDP and SCTP.</summary>
public sealed class CompiledTableTests
{
    private static readonly IPAddress Web = IPAddress.Parse("10.96.0.5");

    private static readonly IPAddress Empty = IPAddress.Parse("10.96.0.6");

    private static readonly NodeConfig Config = new(
        "n1", [IpPrefix.Parse("10.244.0.0/16")], [IpPrefix.Parse("10.96.0.0/16")], [IPAddress.Parse("10.96.0.10")], "cluster.local", "eth0", 1500);

    [SkippableFact]
    public void Service_spreads_tcp_and_udp_over_its_endpoints_and_keeps_the_clients_address()
    {
        using var node = SmallNode.CreateOrSkip(3);
        using var nftables = Load(node, Cluster(3));
        node.Serve(1, 8080);
        node.Serve(2, 8080);

        var tcp = Enumerable.Range(0, 30).Select(_ => node.AskTcp("pod0", Web, 80)).Distinct().Order().ToList();
        var udp = Enumerable.Range(0, 30).Select(_ => node.AskUdp("pod0", Web, 53)).Distinct().Order().ToList();

        Assert.Equal(["pod1 10.244.1.2", "pod2 10.244.1.2"], tcp);
        Assert.Equal(["pod1 10.244.1.2", "pod2 10.244.1.2"], udp);
    }

    [SkippableFact]
    public void Service_leads_the_node_itself_and_a_pod_that_is_its_own_endpoint()
    {
        using var node = SmallNode.CreateOrSkip(2);
        using var nftables = Load(node, Cluster(2));
        node.Serve(1, 8080);

        Assert.StartsWith("pod1 ", node.AskTcp("node", Web, 80), StringComparison.Ordinal);
        // The pod's own address as the source would make it answer itself past the translation.
        Assert.Equal("pod1 172.30.0.11", node.AskTcp("pod1", Web, 80));
    }

    [SkippableFact]
    public void Service_without_endpoints_and_a_port_that_is_no_services_are_refused_at_once()
    {
        using var node = SmallNode.CreateOrSkip(2);
        using var nftables = Load(node, Cluster(2));

        foreach (var from in new[] { "pod0", "node" })
        {
            Assert.Equal("refused", node.AskTcp(from, Empty, 80));
            Assert.Equal("refused", node.AskUdp(from, Empty, 53));
            Assert.Equal("refused", node.AskTcp(from, Web, 81));
            Assert.Equal("refused", node.AskTcp(from, IPAddress.Parse("10.96.0.77"), 80));
        }
        Assert.Equal("refused", node.AskTcp("outside", IPAddress.Parse("172.30.0.11"), 30081));
    }

    [SkippableFact]
    public void NodePort_leads_in_from_outside_and_a_pod_leaves_with_the_nodes_address()
    {
        using var node = SmallNode.CreateOrSkip(3);
        using var nftables = Load(node, Cluster(3));
        node.Serve(1, 8080);
        node.Serve(2, 8080);
        using var outside = node["outside"].Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        outside.Bind(new IPEndPoint(IPAddress.Any, 7000));
        outside.Listen(1);

        Assert.Matches("^pod[12] ", node.AskTcp("outside", IPAddress.Parse("172.30.0.11"), 30080));
        Assert.Matches("^pod[12] ", node.AskTcp("pod0", IPAddress.Parse("172.30.0.11"), 30080));
        using var client = node.Connect("pod0", SmallNode.OutsideAddress, 7000, out _);
        using var seen = outside.Accept();
        Assert.Equal(IPAddress.Parse("172.30.0.11"), ((IPEndPoint)seen.RemoteEndPoint!).Address);
    }

    [SkippableFact]
    public void Policy_lets_in_only_whom_and_what_it_names()
    {
        using var node = SmallNode.CreateOrSkip(4);
        var cluster = Cluster(4);
        // pod0 is a frontend, pod3 is not; pod1 and pod2 are the application.
        using var nftables = Load(node, cluster with { Policies = cluster.Policies.Add(new ObjectKey("default", "allow-frontend"), AllowFrontend()) });
        node.Serve(1, 8080);
        node.Serve(1, 9090);

        Assert.Equal("pod1 10.244.1.2", node.AskTcp("pod0", SmallNode.Address(1), 8080));
        Assert.Equal("silent", node.AskTcp("pod0", SmallNode.Address(1), 9090, patienceMilliseconds: 500));
        Assert.Equal("silent", node.AskTcp("pod3", SmallNode.Address(1), 8080, patienceMilliseconds: 500));
        Assert.Equal("silent", node.AskUdp("pod0", SmallNode.Address(1), 8080, patienceMilliseconds: 500));
        Assert.Equal("silent", node.AskTcp("outside", IPAddress.Parse("172.30.0.11"), 30080, patienceMilliseconds: 500));
        // A pod and its own node always reach each other.
        Assert.StartsWith("pod1 ", node.AskTcp("node", SmallNode.Address(1), 9090), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Connections_outlive_a_restarted_agent_a_difference_and_a_replacement()
    {
        using var node = SmallNode.CreateOrSkip(2);
        var cluster = Cluster(2);
        using var nftables = Load(node, cluster);
        node.Serve(1, 8080);
        using var connection = node.Connect("pod0", Web, 80, out var failure) ?? throw new InvalidOperationException(failure);
        Assert.Equal("pod1 10.244.1.2", SmallNode.Ask(connection));

        var table = NodeCompiler.Compile(Config, cluster).Nft;
        Assert.Equal(NftPass.Unchanged, new NftablesReconciler(nftables).Reconcile(table).Pass);
        Assert.Equal("pod1 10.244.1.2", SmallNode.Ask(connection));

        // The Service goes, and what is established stays.
        var without = NodeCompiler.Compile(Config, cluster with { Services = cluster.Services.Clear() }).Nft;
        Assert.Equal(NftPass.Delta, new NftablesReconciler(nftables).Reconcile(without).Pass);
        Assert.Equal("pod1 10.244.1.2", SmallNode.Ask(connection));
        Assert.Equal("refused", node.AskTcp("pod0", Web, 80));

        Assert.Null(nftables.Apply(NftRenderer.RenderReplacement(table)).Error);
        Assert.Equal("pod1 10.244.1.2", SmallNode.Ask(connection));
        Assert.Equal("pod1 10.244.1.2", node.AskTcp("pod0", Web, 80));
    }

    [Fact]
    public void Fake_takes_what_the_compilers_make_for_both_families()
    {
        var nftables = new FakeNftables();
        var reconciler = new NftablesReconciler(nftables);

        var result = reconciler.Reconcile(DualStack());

        Assert.Null(result.Error);
        Assert.Empty(reconciler.Drift(DualStack()).Rows);
    }

    [SkippableFact]
    public void Kernel_takes_what_the_compilers_make_for_both_families()
    {
        using var space = PrivateNamespace.CreateOrSkip();
        using var nftables = new LibNftables(space.Path);
        var reconciler = new NftablesReconciler(nftables);

        var result = reconciler.Reconcile(DualStack());

        Assert.Null(result.Error);
        Assert.Empty(reconciler.Drift(DualStack()).Rows);
    }

    private static NftTable DualStack()
    {
        var cluster = Cluster(4);
        var web = new ObjectKey("default", "six");
        cluster = cluster with
        {
            Nodes = cluster.Nodes.SetItem("n1", new Node(
                "n1", [IPAddress.Parse("172.30.0.11"), IPAddress.Parse("fd00:30::11")], [IpPrefix.Parse("10.244.1.0/24"), IpPrefix.Parse("fd00:244:0:1::/64")], Labels.Empty, true)),
            Services = cluster.Services.Add(web, new Service(
                web, ServiceType.NodePort, [IPAddress.Parse("fd00:96::5")], [new ServicePort("http", Protocol.Tcp, 80, 30090)], false, ClientIPAffinitySeconds: 10800)),
            EndpointSlices = cluster.EndpointSlices.Add(web, new EndpointSlice(
                web, "six", true, [new Endpoint([IPAddress.Parse("fd00:244:0:1::2")], true, true, false, null, "n1", null)], [new EndpointPort("http", Protocol.Tcp, 8080)])),
            Policies = cluster.Policies.Add(new ObjectKey("default", "allow-frontend"), AllowFrontend()).Add(new ObjectKey("default", "blocks"), Blocks()),
        };
        var config = Config with
        {
            ClusterCidrs = [IpPrefix.Parse("10.244.0.0/16"), IpPrefix.Parse("fd00:244::/56")],
            ServiceCidrs = [IpPrefix.Parse("10.96.0.0/16"), IpPrefix.Parse("fd00:96::/112")],
        };
        return NodeCompiler.Compile(config, cluster).Nft;
    }

    // Blocks that overlap, with exceptions, and port ranges that overlap: the compilers must hand nftables disjoint intervals.
    private static NetworkPolicy Blocks() => new(
        new ObjectKey("default", "blocks"), LabelSelector.Everything, true, true,
        [
            new PolicyRule(
                [
                    new PolicyPeer(null, null, new IpBlock(IpPrefix.Parse("10.0.0.0/8"), [IpPrefix.Parse("10.1.0.0/16")])),
                    new PolicyPeer(null, null, new IpBlock(IpPrefix.Parse("10.1.2.0/24"), [])),
                    new PolicyPeer(null, null, new IpBlock(IpPrefix.Parse("10.0.0.0/9"), [])),
                    new PolicyPeer(null, null, new IpBlock(IpPrefix.Parse("2001:db8::/32"), [IpPrefix.Parse("2001:db8:1::/48")])),
                ],
                [new PolicyPort(Protocol.Tcp, 80, 90, null), new PolicyPort(Protocol.Tcp, 85, 100, null), new PolicyPort(Protocol.Udp, null, null, null)]),
        ],
        [
            new PolicyRule([new PolicyPeer(null, null, new IpBlock(IpPrefix.AllIPv4, [])), new PolicyPeer(null, null, new IpBlock(IpPrefix.AllIPv6, []))], []),
            new PolicyRule([], [new PolicyPort(Protocol.Sctp, 3868, null, null)]),
        ]);

    [SkippableFact]
    public void Service_translates_sctp_which_no_socket_here_speaks()
    {
        using var node = SmallNode.CreateOrSkip(2);
        using var nftables = Load(node, Cluster(2));
        using var receiver = node.Raw("pod1", 132);
        receiver.ReceiveTimeout = 5000;
        using var sender = node.Raw("pod0", 132);

        sender.SendTo(SctpInit(sourcePort: 5000, destinationPort: 3868), new IPEndPoint(Web, 0));

        var packet = new byte[200];
        var length = receiver.Receive(packet);
        var header = (packet[0] & 15) * 4;
        Assert.Equal(new IPAddress([10, 244, 1, 2]), new IPAddress(packet.AsSpan(12, 4)));
        Assert.Equal(3869, (packet[header + 2] << 8) | packet[header + 3]);
        Assert.Equal(32, length - header);
    }

    /// <summary>An INIT chunk (RFC 9260 section 3.3.2) behind the common header (section 3.1) with its CRC32c.</summary>
    private static byte[] SctpInit(ushort sourcePort, ushort destinationPort)
    {
        byte[] packet =
        [
            (byte)(sourcePort >> 8), (byte)sourcePort, (byte)(destinationPort >> 8), (byte)destinationPort, 0, 0, 0, 0, 0, 0, 0, 0,
            1, 0, 0, 20, 0x12, 0x34, 0x56, 0x78, 0, 1, 0, 0, 0, 10, 0, 10, 0, 0, 0, 1,
        ];
        var crc = uint.MaxValue;
        foreach (var b in packet)
            crc = System.Numerics.BitOperations.Crc32C(crc, b);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(8), ~crc);
        return packet;
    }

    private static LibNftables Load(SmallNode node, ClusterSnapshot cluster)
    {
        var nftables = new LibNftables(node.NodePath);
        var result = new NftablesReconciler(nftables).Reconcile(NodeCompiler.Compile(Config, cluster).Nft);
        if (result.Ok && result.Warning is null)
            return nftables;
        nftables.Dispose();
        throw new InvalidOperationException($"{result.Error} {result.Warning}");
    }

    private static NetworkPolicy AllowFrontend() => new(
        new ObjectKey("default", "allow-frontend"), LabelSelector.Of(("app", "my-app")), true, false,
        [new PolicyRule([new PolicyPeer(LabelSelector.Of(("role", "frontend")), null, null)], [new PolicyPort(Protocol.Tcp, 8080, null, null)])], []);

    private static ClusterSnapshot Cluster(int pods)
    {
        var snapshot = ClusterSnapshot.Empty;
        snapshot = snapshot with
        {
            Nodes = snapshot.Nodes.Add("n1", new Node("n1", [IPAddress.Parse("172.30.0.11")], [IpPrefix.Parse("10.244.1.0/24")], Labels.Empty, true)),
            Namespaces = snapshot.Namespaces.Add("default", new Namespace("default", Labels.Of(("kubernetes.io/metadata.name", "default")))),
        };
        for (var i = 0; i < pods; i++)
        {
            var key = new ObjectKey("default", SmallNode.PodName(i));
            var labels = i switch { 0 => Labels.Of(("role", "frontend")), 3 => Labels.Of(("role", "other")), _ => Labels.Of(("app", "my-app")) };
            var attachment = new Attachment($"c{i}", "eth0", key, $"uid{i}", [SmallNode.Address(i)], SmallNode.Link(i), "02:00:00:00:00:01", "/proc/self/ns/net");
            snapshot = snapshot with
            {
                Workloads = snapshot.Workloads.Add(key, new Workload(key, $"uid{i}", "n1", labels, [SmallNode.Address(i)], false, [])),
                Attachments = snapshot.Attachments.Add(attachment.Key, attachment),
            };
        }
        return WithService(WithService(snapshot, "web", Web, 30080, [.. Enumerable.Range(1, Math.Min(2, pods - 1))]), "empty", Empty, 30081, []);
    }

    private static ClusterSnapshot WithService(ClusterSnapshot snapshot, string name, IPAddress address, int nodePort, int[] endpoints)
    {
        var key = new ObjectKey("default", name);
        return snapshot with
        {
            Services = snapshot.Services.Add(key, new Service(
                key, ServiceType.NodePort, [address],
                [new ServicePort("http", Protocol.Tcp, 80, nodePort), new ServicePort("dns", Protocol.Udp, 53, 0), new ServicePort("diameter", Protocol.Sctp, 3868, 0)], false)),
            EndpointSlices = snapshot.EndpointSlices.Add(key, new EndpointSlice(
                key, name, false,
                [.. endpoints.Select(i => new Endpoint([SmallNode.Address(i)], true, true, false, null, "n1", null))],
                [new EndpointPort("http", Protocol.Tcp, 8080), new EndpointPort("dns", Protocol.Udp, 8080), new EndpointPort("diameter", Protocol.Sctp, 3869)])),
        };
    }
}
