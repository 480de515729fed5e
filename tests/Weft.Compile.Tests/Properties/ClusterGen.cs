using System.Collections.Immutable;
using System.Net;
using CsCheck;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Policy;
using Weft.Model.Selectors;
using Weft.Model.Services;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Tests.Properties;

/// <summary>Small random clusters. Few names, labels, ports and prefixes, so that things meet often.</summary>
internal static class ClusterGen
{
    public static readonly int[] Ports = [79, 80, 81, 8080, 9090];

    private static readonly string[] Namespaces = ["a", "b"];

    private static readonly Gen<Labels> SomeLabels =
        from app in Any("", "p", "q")
        from role in Any("", "r")
        select Labels.From(new (string Key, string Value)[] { ("app", app), ("role", role) }.Where(l => l.Value.Length > 0)
            .Select(l => KeyValuePair.Create(l.Key, l.Value)));

    private static readonly Gen<LabelSelector> Selector =
        (from key in Any("app", "role")
         from op in Any(SelectorOperator.In, SelectorOperator.In, SelectorOperator.NotIn, SelectorOperator.Exists, SelectorOperator.DoesNotExist)
         from value in Any("p", "q", "r")
         select new SelectorRequirement(key, op, op is SelectorOperator.In or SelectorOperator.NotIn ? [value] : []))
        .Array[0, 2].Select(r => new LabelSelector([.. r]));

    private static readonly Gen<IpBlock> Block = Any(
        Of("0.0.0.0/0"), Of("10.244.1.0/24"), Of("10.244.0.0/16", "10.244.2.0/24"), Of("10.244.1.2/32"), Of("0.0.0.0/0", "10.244.1.2/31", "10.244.2.3/32"),
        Of("172.30.0.0/24"), Of("172.30.0.0/24", "172.30.0.12/32"), Of("0.0.0.0/0", "172.30.0.0/24"), Of("::/0"), Of("fd00:244:0:1::/64"),
        Of("::/0", "fd00:244:0:2::/64", "fd00:30::11/128"), Of("fd00:30::/64", "fd00:30::13/128"));

    private static readonly Gen<PolicyPeer> Peer = Gen.OneOf(
        Selector.Select(s => new PolicyPeer(s, null, null)),
        Selector.Select(s => new PolicyPeer(null, s, null)),
        Gen.Select(Selector, Selector, (p, n) => new PolicyPeer(p, n, null)),
        Block.Select(b => new PolicyPeer(null, null, b)));

    private static readonly Gen<PolicyPort> Port = Gen.Select(
        Any(Protocol.Tcp, Protocol.Tcp, Protocol.Udp),
        Any<(int? First, int? Last, string? Name)>(
            (80, null, null), (8080, null, null), (79, 80, null), (80, 9090, null), (null, null, null), (null, null, "http"), (null, null, "alt")),
        (protocol, p) => new PolicyPort(protocol, p.First, p.Last, p.Name));

    private static readonly Gen<PolicyRule> Rule =
        Gen.Select(Peer.Array[0, 2], Port.Array[0, 2], (peers, ports) => new PolicyRule([.. peers], [.. ports]));

    private static readonly Gen<NetworkPolicy> Policy =
        from ns in Any(Namespaces)
        from selector in Selector
        from direction in Gen.Int[1, 3]
        from ingress in Rule.Array[0, 2]
        from egress in Rule.Array[0, 2]
        from invalid in Gen.Int[0, 15]
        select new NetworkPolicy(
            new ObjectKey(ns, "?"), selector, (direction & 1) != 0, (direction & 2) != 0, [.. ingress], [.. egress],
            invalid == 0 ? "unknown field" : null);

    private static readonly Gen<(string Namespace, int Node, Labels Labels, bool Host, NamedPort[] Ports)> Pod =
        from ns in Any(Namespaces)
        from node in Gen.Int[1, 3]
        from labels in SomeLabels
        from host in Gen.Int[0, 3]
        from ports in Any<NamedPort[]>(
            [], [new("http", 80, Protocol.Tcp)], [new("http", 8080, Protocol.Tcp), new("alt", 80, Protocol.Tcp)], [new("alt", 81, Protocol.Udp)])
        select (ns, node, labels, host == 0, ports);

    /// <summary>Dual stack, three nodes, up to six pods and four policies; no Services.</summary>
    public static readonly Gen<ClusterSnapshot> Cluster =
        from namespaceLabels in SomeLabels.Array[2]
        from pods in Pod.Array[1, 6]
        from policies in Policy.Array[0, 4]
        select Build(namespaceLabels, pods, policies);

    /// <summary>The same with Services and EndpointSlices, some of which make no sense together.</summary>
    public static readonly Gen<ClusterSnapshot> ClusterWithServices =
        from cluster in Cluster
        from services in (
            from ns in Any(Namespaces)
            from ip in Gen.Int[4, 8]
            from external in Any("192.0.2.1", "10.96.0.5", "10.96.0.10", "")
            from nodePort in Any(0, 30080, 30081)
            from local in Gen.Int[0, 3]
            from endpoints in Gen.Select(Gen.Int[2, 6], Gen.Int[1, 3], Gen.Bool).Array[0, 3]
            select (ns, ip, external, nodePort, local, endpoints)).Array[0, 4]
        select services.Select((s, i) => (Service: s, Index: i)).Aggregate(cluster, (c, s) =>
        {
            var builder = new ClusterBuilder(c).Service(
                ClusterBuilder.Web($"10.96.0.{s.Service.ip}", 80, s.Service.nodePort) with
                {
                    Key = new ObjectKey(s.Service.ns, $"s{s.Index}"),
                    ExternalIPs = s.Service.external.Length > 0 ? ClusterBuilder.Ips(s.Service.external) : [],
                    ExternalTrafficLocal = (s.Service.local & 1) != 0,
                    InternalTrafficLocal = (s.Service.local & 2) != 0,
                },
                [.. s.Service.endpoints.Select(e => ($"10.244.{e.Item2}.{e.Item1}", $"n{e.Item2}", e.Item3))]);
            return builder.Snapshot;
        });

    /// <summary>The same with pools and blocks, some of which overlap each other or a node's prefix, belong to nobody or are lent to nobody.</summary>
    public static readonly Gen<ClusterSnapshot> ClusterWithPools =
        from cluster in ClusterWithServices
        from pools in Gen.Select(Any("10.50.0.0/16", "10.50.1.0/24", "10.244.128.0/17", "10.96.0.0/17", "fd00:50::/112", ""), Gen.Int[0, 3], Gen.Bool).Array[0, 3]
        from blocks in Gen.Select(
            Any("10.50.0.0/26", "10.50.0.64/26", "10.50.0.0/25", "10.244.128.0/26", "10.244.1.0/26", "fd00:50::/122"), Gen.Int[1, 4], Gen.Int[0, 2], Gen.Int[0, 5]).Array[0, 4]
        select cluster with
        {
            Pools = pools.Select((p, i) => new IpPool(
                $"pool{i}", IpPrefix.TryParse(p.Item1, out var cidr) ? cidr : null, 26, null, null, [], false, NatOutgoing: p.Item3, false, PoolAssignment.Automatic,
                DateTimeOffset.UnixEpoch.AddSeconds(p.Item2))).ToImmutableDictionary(p => p.Name),
            Blocks = blocks.Select(b => new AddressBlock(
                AddressBlock.NameOf(IpPrefix.Parse(b.Item1)), "u", "1", IpPrefix.Parse(b.Item1), "pool0", $"n{b.Item2}",
                b.Item4 == 0 ? [] : [new AddressLoan("l", $"n{b.Item4 % 4 + 1}", Address: IpPrefix.Parse(b.Item1).AddressAt((uint)b.Item4))],
                DateTimeOffset.UnixEpoch.AddSeconds(b.Item3), false)).DistinctBy(b => b.Name).ToImmutableDictionary(b => b.Name),
        };

    private static Gen<T> Any<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static IpBlock Of(string cidr, params string[] except) => new(IpPrefix.Parse(cidr), except.Select(IpPrefix.Parse).ToEquatableArray());

    private static ClusterSnapshot Build(
        Labels[] namespaceLabels, (string Namespace, int Node, Labels Labels, bool Host, NamedPort[] Ports)[] pods, NetworkPolicy[] policies)
    {
        var builder = new ClusterBuilder();
        for (var i = 1; i <= 3; i++)
            builder.Node($"n{i}", [$"172.30.0.{10 + i}", $"fd00:30::{10 + i}"], $"10.244.{i}.0/24", $"fd00:244:0:{i}::/64");
        for (var i = 0; i < Namespaces.Length; i++)
            builder.Namespace(Namespaces[i], [.. namespaceLabels[i].Pairs.Select(p => (p.Key, p.Value))]);
        var snapshot = builder.Snapshot;
        for (var i = 0; i < pods.Length; i++)
        {
            var pod = pods[i];
            var addresses = pod.Host
                ? snapshot.Nodes[$"n{pod.Node}"].Addresses
                : [IPAddress.Parse($"10.244.{pod.Node}.{2 + i}"), IPAddress.Parse($"fd00:244:0:{pod.Node}::{2 + i}")];
            var key = new ObjectKey(pod.Namespace, $"pod{i}");
            snapshot = snapshot with
            {
                Workloads = snapshot.Workloads.SetItem(key, new Workload(key, $"uid{i}", $"n{pod.Node}", pod.Labels, addresses, pod.Host, [.. pod.Ports])),
            };
        }
        for (var i = 0; i < policies.Length; i++)
        {
            var key = new ObjectKey(policies[i].Key.Namespace, $"policy{i}");
            snapshot = snapshot with { Policies = snapshot.Policies.SetItem(key, policies[i] with { Key = key }) };
        }
        return snapshot;
    }

    /// <summary>A cluster to read in a failure.</summary>
    public static string Print(ClusterSnapshot cluster) => string.Join('\n',
        cluster.Namespaces.Values.Select(n => $"{n}")
            .Concat(cluster.Workloads.Values.Select(w => $"{w}"))
            .Concat(cluster.Policies.Values.Select(p => $"{p}"))
            .Concat(cluster.Services.Values.Select(s => $"{s}"))
            .Concat(cluster.Pools.Values.Select(s => $"{s}"))
            .Concat(cluster.Blocks.Values.Select(s => $"{s}"))
            .Concat(cluster.EndpointSlices.Values.Select(s => $"{s}")));
}
