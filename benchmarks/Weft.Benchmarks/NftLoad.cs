using System.Diagnostics;
using System.Net;
using Weft.Compile;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Nftables;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Nft;
using Weft.Model.Policy;
using Weft.Model.Selectors;
using Weft.Model.Services;
using Weft.Primitives;
using Weft.Reconcile.Nftables;
using Weft.Store;

namespace Weft.Benchmarks;

/// <summary>
/// nftables alone, in a namespace of its own: a cluster of 1,000 Services with 5 endpoints each and 1,000 pods is compiled for one node and
/// loaded into the kernel; then one policy more, one Service more, and a takeover by a restarted agent.
/// </summary>
internal static class NftLoad
{
    private const int Services = 1000;
    private const int Endpoints = 5;
    private const string Node = "n1";
    private const string ColdLoad = "nftables: 1,000 Services of 5 endpoints, cold load";
    private const string PolicyMore = "nftables: one policy more among 1,000 Services";
    private const string ServiceMore = "nftables: one Service more among 1,000 Services";
    private const string Takeover = "nftables: 1,000 Services taken over by a restarted agent";

    private static readonly NodeConfig Config = new(
        Node, [IpPrefix.Parse("10.244.0.0/16")], [IpPrefix.Parse("10.96.0.0/16")], [IPAddress.Parse("10.96.0.10")], "cluster.local", "eth0", 1500);

    /// <summary>Milliseconds allowed: half of what an agent has from cold, and a tenth of what a policy has from event to force.</summary>
    private static readonly Dictionary<string, double> Bars = new()
    {
        [ColdLoad] = 500,
        [PolicyMore] = 25,
        [ServiceMore] = 25,
        [Takeover] = 500,
    };

    /// <summary>Medians. Needs root.</summary>
    public static IEnumerable<Figure> Run(int runs)
    {
        var samples = Bars.Keys.ToDictionary(name => name, _ => new List<double>());
        for (var i = 0; i <= runs; i++)
        {
            var name = $"weft-bench-nft-{Environment.ProcessId}";
            using var space = NetNamespace.Create(name);
            try
            {
                // The first run warms up; an agent is compiled ahead of time.
                foreach (var (what, value) in Once(space.Path))
                {
                    if (i > 0)
                        samples[what].Add(value);
                }
            }
            finally
            {
                NetNamespace.Delete(name);
            }
        }
        return Bars.Select(bar => new Figure(bar.Key, samples[bar.Key].Median(), "ms", bar.Value));
    }

    private static List<(string, double)> Once(string namespacePath)
    {
        using var nftables = new LibNftables(namespacePath);
        var reconciler = new NftablesReconciler(nftables);
        var cluster = Cluster();
        var results = new List<(string, double)>();

        var table = Compile(cluster);
        Check(Timed(ColdLoad, () => reconciler.Reconcile(table)), NftPass.Replaced);

        var withPolicy = cluster with { Policies = cluster.Policies.Add(new ObjectKey("default", "allow-frontend"), Policy()) };
        var second = Compile(withPolicy);
        Check(Timed(PolicyMore, () => reconciler.Reconcile(second)), NftPass.Delta);

        // One endpoint more than the others have, so that it needs a chain of its own too.
        var third = Compile(Add(withPolicy, Services, Endpoints + 1));
        Check(Timed(ServiceMore, () => reconciler.Reconcile(third)), NftPass.Delta);
        Check(Timed(Takeover, () => new NftablesReconciler(nftables).Reconcile(third)), NftPass.Unchanged);
        return results;

        T Timed<T>(string what, Func<T> work)
        {
            var start = Stopwatch.GetTimestamp();
            var result = work();
            results.Add((what, Stopwatch.GetElapsedTime(start).TotalMilliseconds));
            return result;
        }
    }

    private static NftTable Compile(ClusterSnapshot cluster) => NodeCompiler.Compile(Config, cluster).Nft;

    private static void Check(NftReconciled result, NftPass expected)
    {
        if (result.Pass != expected)
            throw new InvalidOperationException($"expected {expected}, was {result.Pass}: {result.Error} {result.Warning}");
    }

    private static ClusterSnapshot Cluster()
    {
        var snapshot = ClusterSnapshot.Empty;
        var workloads = snapshot.Workloads.ToBuilder();
        for (var i = 0; i < 1000; i++)
        {
            var key = new ObjectKey("default", $"pod-{i}");
            workloads.Add(key, new Workload(key, $"uid-{i}", $"n{i % 20 + 1}", Labels.Of(("app", $"app-{i % 50}"), ("role", i % 10 == 0 ? "frontend" : "backend")), [Pod(i)], false, []));
        }
        snapshot = snapshot with
        {
            Workloads = workloads.ToImmutable(),
            Namespaces = snapshot.Namespaces.Add("default", new Namespace("default", Labels.Of(("kubernetes.io/metadata.name", "default")))),
            Nodes = snapshot.Nodes.AddRange(Enumerable.Range(1, 20).Select(i => KeyValuePair.Create(
                $"n{i}", new Node($"n{i}", [IPAddress.Parse($"172.30.0.{i + 10}")], [IpPrefix.Parse($"10.244.{i}.0/24")], Labels.Of(), true)))),
        };
        for (var i = 0; i < Services; i++)
            snapshot = Add(snapshot, i, Endpoints);
        return snapshot;
    }

    private static IPAddress Pod(int i) => IPAddress.Parse($"10.244.{i % 20 + 1}.{i / 20 + 2}");

    private static ClusterSnapshot Add(ClusterSnapshot snapshot, int index, int endpoints)
    {
        var key = new ObjectKey("default", $"service-{index}");
        return snapshot with
        {
            Services = snapshot.Services.Add(key, new Service(key, ServiceType.ClusterIP, [IPAddress.Parse($"10.96.{index / 250 + 1}.{index % 250 + 1}")], [new ServicePort("", Protocol.Tcp, 80, 0)], false)),
            EndpointSlices = snapshot.EndpointSlices.Add(key, new EndpointSlice(
                key, key.Name, false,
                [.. Enumerable.Range(0, endpoints).Select(e => new Endpoint([Pod((index * endpoints + e) % 1000)], true, true, false, null, null, null))],
                [new EndpointPort("", Protocol.Tcp, 8080)])),
        };
    }

    private static NetworkPolicy Policy() => new(
        new ObjectKey("default", "allow-frontend"), Selector("app", "app-10"), true, false,
        [new PolicyRule([new PolicyPeer(Selector("role", "frontend"), null, null)], [new PolicyPort(Protocol.Tcp, 80, null, null)])], []);

    private static LabelSelector Selector(string key, string value) => LabelSelector.Of((key, value));
}
