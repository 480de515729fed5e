using System.Diagnostics;
using Weft.Kubernetes.Api;
using Weft.Kubernetes.Watch;

namespace Weft.Benchmarks;

/// <summary>
/// From the watch event of a new policy, as a client of the API sees it, until the agents of all nodes say that it is in force in the kernel.
/// </summary>
internal static class PolicyBench
{
    private const int Policies = 100;

    public static IEnumerable<Figure> Run(int runs)
    {
        using var lab = new BenchLab("bench", 3);
        lab.RunProbes();
        var p99 = Enumerable.Range(0, runs).Select(run => MeasureAsync(lab, run).GetAwaiter().GetResult().Percentile(0.99)).Median();
        yield return new Figure("watch event of a new policy to in force on 3 nodes, p99 (median of runs)", p99, "ms", 50);
    }

    private static async Task<List<double>> MeasureAsync(BenchLab lab, int run)
    {
        using var api = ApiConnection.Open(lab.Paths.Kubeconfig);
        using var stop = new CancellationTokenSource();
        var agents = lab.Nodes.Select(lab.Agent).ToList();
        var times = new List<double>();
        var list = await api.GetAsync("apis/networking.k8s.io/v1/networkpolicies", ApiJson.Default.ApiListApiNetworkPolicy, stop.Token);
        using var watch = await api.WatchAsync($"apis/networking.k8s.io/v1/networkpolicies?watch=1&resourceVersion={list.Metadata!.ResourceVersion}", stop.Token);
        using var reader = new StreamReader(await watch.Content.ReadAsStreamAsync(stop.Token));
        for (var i = 0; i < Policies; i++)
        {
            var name = $"bench-{run}-{i}";
            var create = api.PostJsonAsync("apis/networking.k8s.io/v1/namespaces/default/networkpolicies", Policy(name, 1000 + i), stop.Token);
            await reader.ReadLineAsync(stop.Token);
            var seen = Stopwatch.GetTimestamp();
            await Task.WhenAll(agents.Select(agent => InForceAsync(agent, name)));
            times.Add(Stopwatch.GetElapsedTime(seen).TotalMilliseconds);
            await create;
        }
        lab.Kubectl(["delete", "networkpolicies", "--all"]);
        agents.ForEach(a => a.Dispose());
        await stop.CancelAsync();
        return times;
    }

    private static async Task InForceAsync(HttpClient agent, string name)
    {
        while (!(await BenchLab.TableAsync(agent, "policies")).Rows.Any(r => r[1] == name && r[^1] == "in force"))
            await Task.Delay(1);
    }

    private static string Policy(string name, int port) =>
        $$$"""
        {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"{{{name}}}"},
         "spec":{"podSelector":{"matchLabels":{"app":"probe"}},"ingress":[{"from":[{"podSelector":{}}],"ports":[{"port":{{{port}}}}]}]}}
        """;
}
