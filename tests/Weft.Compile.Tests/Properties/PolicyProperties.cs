using System.Net.Sockets;
using CsCheck;
using Weft.Compile.Tracing;
using Weft.Model;
using Weft.Store;

namespace Weft.Compile.Tests.Properties;

public sealed class PolicyProperties
{
    private static readonly Protocol[] Protocols = [Protocol.Tcp, Protocol.Udp];

    [Fact]
    public void Compiled_policy_says_what_the_words_of_the_API_say() => ClusterGen.Cluster.Sample(
        cluster =>
        {
            if (Disagreement(cluster) is null)
                return;
            var minimal = ClusterReduction.Minimal(cluster, c => Disagreement(c) is not null);
            Assert.Fail($"{Disagreement(minimal)}\n{ClusterGen.Print(minimal)}");
        },
        iter: 300, print: _ => "");

    /// <summary>The first connection between two pods on which tracer and oracle differ; null when there is none.</summary>
    private static string? Disagreement(ClusterSnapshot cluster)
    {
        var tracer = ClusterTracer.Compile(cluster, node => ClusterBuilder.Config(node, dual: true));
        var oracle = new PolicyOracle(cluster);
        foreach (var from in cluster.Workloads.Values)
        {
            foreach (var (to, address) in cluster.Workloads.Values.SelectMany(w => w.Addresses.Select(a => (w, a))))
            {
                var ipv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
                foreach (var (protocol, port) in Protocols.SelectMany(p => ClusterGen.Ports.Select(n => (p, n))))
                {
                    var traced = tracer.Trace(new TraceOrigin.Pod(from.Key), address, protocol, port);
                    var allowed = oracle.Allows(from, to, ipv6, protocol, port);
                    if (traced.Verdict != (allowed ? TraceVerdict.Delivered : TraceVerdict.Dropped))
                        return $"{from.Key} -> {to.Key} {address} {protocol} {port}: the API's words say {(allowed ? "allowed" : "denied")}, traced {traced}";
                }
            }
        }
        return null;
    }

    /// <summary>The oracle is only worth something if its answers differ: over many clusters both occur, and often.</summary>
    [Fact]
    public void The_random_clusters_allow_and_deny()
    {
        var (allowed, denied) = (0, 0);
        ClusterGen.Cluster.Sample(
            cluster =>
            {
                var oracle = new PolicyOracle(cluster);
                foreach (var (from, to) in cluster.Workloads.Values.SelectMany(f => cluster.Workloads.Values.Select(t => (f, t))))
                {
                    if (oracle.Allows(from, to, ipv6: false, Protocol.Tcp, 80))
                        Interlocked.Increment(ref allowed);
                    else
                        Interlocked.Increment(ref denied);
                }
            },
            iter: 200);
        Assert.InRange(denied / (double)(allowed + denied), 0.1, 0.9);
    }
}
