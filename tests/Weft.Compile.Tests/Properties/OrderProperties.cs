using System.Collections.Immutable;
using CsCheck;
using Weft.Compile.Dns;
using Weft.Compile.Tracing;
using Weft.Model;
using Weft.Store;

namespace Weft.Compile.Tests.Properties;

/// <summary>Desired state depends on what the cluster is, never on how the node came to know it.</summary>
public sealed class OrderProperties
{
    [Fact]
    public void Order_and_repetition_of_updates_do_not_change_the_desired_state() =>
        Gen.Select(ClusterGen.ClusterWithPools, Gen.Int[1, int.MaxValue]).Sample(
            (cluster, seed) =>
            {
                var again = Replay(cluster, seed);
                foreach (var node in cluster.Nodes.Keys)
                {
                    var config = ClusterBuilder.Config(node, dual: true);
                    var first = NodeCompiler.Compile(config, SyntheticAttachments.For(cluster, node));
                    Assert.Equal(first, NodeCompiler.Compile(config, Replay(SyntheticAttachments.For(cluster, node), seed)));
                    Assert.Equal(DnsCompiler.Compile(config, cluster), DnsCompiler.Compile(config, again));
                }
            },
            iter: 200, print: x => ClusterGen.Print(x.Item1));

    /// <summary>A pod that comes or goes changes elements of sets, not the names of chains or sets, on nodes where it does not run.</summary>
    [Fact]
    public void A_pod_elsewhere_renames_nothing() => ClusterGen.Cluster.Sample(
        cluster =>
        {
            var config = ClusterBuilder.Config("n1", dual: true);
            foreach (var elsewhere in cluster.Workloads.Values.Where(w => w.NodeName != "n1"))
            {
                var with = NodeCompiler.Compile(config, SyntheticAttachments.For(cluster, "n1")).Nft;
                var without = NodeCompiler.Compile(config, SyntheticAttachments.For(
                    cluster with { Workloads = cluster.Workloads.Remove(elsewhere.Key) }, "n1")).Nft;
                Assert.Equal(with.Chains, without.Chains);
                Assert.Equal(with.Sets.Select(s => (s.Name, s.Interval)), without.Sets.Select(s => (s.Name, s.Interval)));
            }
        },
        iter: 100, print: ClusterGen.Print);

    /// <summary>
    /// The same cluster learnt in another order and with repetitions. Immutable dictionaries enumerate by hash, so the hash is salted too: a
    /// compiler that forgot to sort shows here.
    /// </summary>
    private static ClusterSnapshot Replay(ClusterSnapshot cluster, int seed) => cluster with
    {
        Nodes = Replay(cluster.Nodes, seed),
        Namespaces = Replay(cluster.Namespaces, seed),
        Workloads = Replay(cluster.Workloads, seed),
        Services = Replay(cluster.Services, seed),
        EndpointSlices = Replay(cluster.EndpointSlices, seed),
        Policies = Replay(cluster.Policies, seed),
        Attachments = Replay(cluster.Attachments, seed),
        Pools = Replay(cluster.Pools, seed),
        Blocks = Replay(cluster.Blocks, seed),
    };

    private static ImmutableDictionary<TKey, TValue> Replay<TKey, TValue>(ImmutableDictionary<TKey, TValue> objects, int seed)
        where TKey : notnull
    {
        var order = objects.ToArray();
        new Random(seed).Shuffle(order);
        var result = ImmutableDictionary.Create<TKey, TValue>(new Salted<TKey>(seed));
        foreach (var (key, value) in order.Concat(order.Take(order.Length / 2)))
            result = result.SetItem(key, value);
        return result;
    }

    private sealed class Salted<T>(int salt) : IEqualityComparer<T>
        where T : notnull
    {
        public bool Equals(T? x, T? y) => EqualityComparer<T>.Default.Equals(x, y);

        public int GetHashCode(T obj) => HashCode.Combine(obj.GetHashCode(), salt);
    }
}
