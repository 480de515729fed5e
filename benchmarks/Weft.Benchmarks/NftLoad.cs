using System.Diagnostics;
using System.Net;
using Weft.Compile;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Nftables;
using Weft.Model;
using Weft.Model.Cluster;
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
public static class NftLoad
{
    public const int Services = 1000;
    public const int Endpoints = 5;
    private const string Node = "n1";

    private static readonly NodeConfig Config = new(
        Node, [IpPrefix.Parse("10.244.0.0/16")], [IpPrefix.Parse("10.96.0.0/16")], [IPAddress.Parse("10.96.0.10")], "cluster.local", "eth0", 1500);

    /// <summary>Milliseconds, medians of <paramref name="runs"/>. Needs root.</summary>
    public static IReadOnlyList<(string Name, double Milliseconds)> Run(int runs = 5)
    {
        var samples = new Dictionary<string, List<double>>();
        for (var i = 0; i <= runs; i++)
        {
            var name = $"weft-bench-nft-{Environment.ProcessId}";
            using var space = NetNamespace.Create(name);
            try
            {
                // The first run warms up; an agent is compiled ahead of time.
                var run = Once(space.Path);
                foreach (var (what, value) in i == 0 ? [] : run)
                {
                    if (!samples.TryGetValue(what, out var list))
                        samples.Add(what, list = []);
                    list.Add(value);
                }
            }
            finally
            {
                NetNamespace.Delete(name);
            }
        }
        return [.. samples.Select(pair => (pair.Key, pair.Value.Order().ElementAt(pair.Value.Count / 2)))];
    }

    private static List<(string, double)> Once(string namespacePath)
    {
        using var nftables = new LibNftables(namespacePath);
        var reconciler = new NftablesReconciler(nftables);
        var cluster = Cluster();
        var results = new List<(string, double)>();

        var table = Timed("nft: compile 1,000 Services", () => NodeCompiler.Compile(Config, cluster).Nft);
        Check(Timed("nft: cold load of 1,000 Services", () => reconciler.Reconcile(table)), NftPass.Replaced);

        var withPolicy = cluster with { Policies = cluster.Policies.Add(new ObjectKey("default", "allow-frontend"), Policy()) };
        var second = Timed("nft: compile with one policy more", () => NodeCompiler.Compile(Config, withPolicy).Nft);
        Check(Timed("nft: apply one policy more", () => reconciler.Reconcile(second)), NftPass.Delta);

        var withService = Add(withPolicy, Services, Endpoints + 1);
        var third = Timed("nft: compile with one Service more", () => NodeCompiler.Compile(Config, withService).Nft);
        Check(Timed("nft: apply one Service more", () => reconciler.Reconcile(third)), NftPass.Delta);
        Check(Timed("nft: pass without change", () => reconciler.Reconcile(NodeCompiler.Compile(Config, withService).Nft)), NftPass.Unchanged);
        Check(Timed("nft: takeover by a restarted agent", () => new NftablesReconciler(nftables).Reconcile(third)), NftPass.Unchanged);
        return results;

        T Timed<T>(string what, Func<T> work)
        {
            var start = Stopwatch.GetTimestamp();
            var result = work();
            results.Add((what, Stopwatch.GetElapsedTime(start).TotalMilliseconds));
            return result;
        }
    }

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
