using System.Diagnostics;
using System.Globalization;
using System.Text;
using Weft.Kernel.Nftables;
using Weft.Kubernetes.Watch;

namespace Weft.Benchmarks;

/// <summary>An agent that knows a thousand of everything: how long it takes from cold into the kernel, and how much memory it holds.</summary>
internal static class ScaleBench
{
    private const int Services = 1000;
    private const int Endpoints = 5;
    private const int Pods = 1000;


    /// <summary>From the start of the agent's process, with no table in the kernel, to its first pass being over.</summary>
    public static IEnumerable<Figure> ColdLoad(int runs)
    {
        using var lab = new BenchLab("bench", 1);
        var node = lab.Nodes.First();
        Fill(lab, pods: 0);
        var times = new List<double>();
        for (var i = 0; i < runs; i++)
        {
            var old = lab.AgentPid(node);
            using (var network = lab.NodeNamespace(node))
            using (var nft = new LibNftables(network.Path))
            {
                Process.GetProcessById(old).Kill();
                nft.Apply("add table inet weft\ndelete table inet weft\n");
            }
            times.Add(SecondsToReady(lab, node, old));
        }
        yield return new Figure("1,000 Services of 5 endpoints: agent from cold into the kernel", times.Median(), "s", 1);
    }

    public static IEnumerable<Figure> Memory(int runs)
    {
        using var lab = new BenchLab("bench", 1);
        var node = lab.Nodes.First();
        Fill(lab, Pods);
        var values = new List<double>();
        for (var i = 0; i < runs; i++)
        {
            var old = lab.AgentPid(node);
            Process.GetProcessById(old).Kill();
            SecondsToReady(lab, node, old);
            Thread.Sleep(TimeSpan.FromSeconds(3));
            values.Add(Rss(lab.AgentPid(node)));
        }
        yield return new Figure("agent RSS with 1,000 pods and 1,000 Services known", values.Median(), "MB", 80);
    }

    private static double SecondsToReady(BenchLab lab, string node, int old)
    {
        // The lab starts a dead agent again; its start is read from the process, so that the lab's delay does not count.
        var deadline = Stopwatch.StartNew();
        while (deadline.Elapsed < TimeSpan.FromSeconds(60))
        {
            try
            {
                using var agent = lab.Agent(node);
                if (agent.GetStringAsync("readyz").GetAwaiter().GetResult() == "ok\n" && lab.AgentPid(node) is var pid && pid != old)
                    return (DateTime.Now - Process.GetProcessById(pid).StartTime).TotalSeconds;
            }
            catch (Exception e) when (e is HttpRequestException or InvalidOperationException)
            {
                // Not there yet.
            }
            Thread.Sleep(5);
        }
        throw new InvalidOperationException($"the agent of {node} did not come back");
    }

    private static double Rss(int pid) =>
        double.Parse(
            File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture) / 1024;

    private static void Fill(BenchLab lab, int pods)
    {
        using var api = ApiConnection.Open(lab.Paths.Kubeconfig);
        var work = Enumerable.Range(0, Services).SelectMany(i => new[]
        {
            ("api/v1/namespaces/default/services", Service(i)),
            ("apis/discovery.k8s.io/v1/namespaces/default/endpointslices", Slice(i)),
        }).Concat(Enumerable.Range(0, pods).Select(i => ("api/v1/namespaces/default/pods", Pod(i))));
        Parallel.ForEachAsync(work, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (item, cancel) => await api.PostJsonAsync(item.Item1, item.Item2, cancel))
            .GetAwaiter().GetResult();
    }

    private static string Service(int i) =>
        $$$$"""{"apiVersion":"v1","kind":"Service","metadata":{"name":"s{{{{i}}}}"},"spec":{"ports":[{"name":"http","port":80,"targetPort":8080}]}}""";

    private static string Slice(int i)
    {
        var endpoints = new StringBuilder();
        for (var n = 0; n < Endpoints; n++)
        {
            var address = i * Endpoints + n;
            endpoints.Append(CultureInfo.InvariantCulture, $"{(n > 0 ? "," : "")}{{\"addresses\":[\"10.244.{100 + address / 250}.{1 + address % 250}\"]}}");
        }
        return $$$$"""{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s{{{{i}}}}-a","labels":{"kubernetes.io/service-name":"s{{{{i}}}}"}},"addressType":"IPv4","ports":[{"name":"http","port":8080,"protocol":"TCP"}],"endpoints":[{{{{endpoints}}}}]}""";
    }

    // On a node that does not exist, so that nothing runs it.
    private static string Pod(int i) =>
        $$$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p{{{{i}}}}","labels":{"app":"a{{{{i % 50}}}}","tier":"t{{{{i % 3}}}}"}},"spec":{"nodeName":"elsewhere","containers":[{"name":"c","image":"weft.dev/sample/tier"}]}}""";
}
