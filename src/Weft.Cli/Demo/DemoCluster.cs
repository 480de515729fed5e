using System.Text.Json.Nodes;
using Weft.Cli.Show;
using Weft.Lab.Daemon;
using Weft.Lab.Topology;
using Weft.Model.Tables;

namespace Weft.Cli.Demo;

/// <summary>A running pod of the demo.</summary>
internal sealed record DemoPod(string Namespace, string Name, string App, string Node, string Address);

/// <summary>The demo's lab as kubectl shows it.</summary>
internal sealed class DemoCluster(LabPaths paths, LabTopology topology)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public Kubectl Kubectl { get; } = new(paths);

    public LabTopology Topology => topology;

    public IReadOnlyList<DemoPod> Pods { get; private set; } = [];

    /// <summary>The first pod of an app, by <c>namespace/app</c>.</summary>
    public DemoPod Pod(string name) => Pods.First(p => $"{p.Namespace}/{p.App}" == name);

    /// <summary>Waits until every pod is ready and remembers where each one runs.</summary>
    public async Task WaitForPodsAsync(CancellationToken cancel)
    {
        var deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (true)
        {
            var result = (await Kubectl.RunAsync(["get", "pods", "-A", "-o", "json"], cancel)).OrFail("kubectl get pods");
            var items = JsonNode.Parse(result.Output)!["items"]!.AsArray().Select(i => i!.AsObject()).ToList();
            var waiting = items.Where(i => !IsReady(i)).Select(i => (string)i["metadata"]!["name"]!).ToList();
            if (items.Count >= ExpectedPods() && waiting.Count == 0)
            {
                Pods = [.. items.Select(Read)];
                return;
            }
            if (Environment.TickCount64 > deadline)
                throw new LabException($"pods are not ready: {string.Join(", ", waiting)}; see weft lab kubectl --name {paths.Name} -- describe pods -A");
            await Task.Delay(200, cancel);
        }
    }

    /// <summary>Waits until the agents of all nodes have brought every pod of the demo's Services into force as a backend.</summary>
    public Task WaitForBackendsAsync(CancellationToken cancel) => UntilAsync(
        "services",
        table => table.Rows.Where(r => r[0] is "development" or "production")
            .All(r => r[^1].Split(", ", StringSplitOptions.RemoveEmptyEntries).Length == Pods.Count(p => p.Namespace == r[0] && p.App == r[1])),
        cancel);

    /// <summary>Waits until the agents of all nodes say that these policies are in force, and know no others.</summary>
    public Task WaitForPoliciesAsync(IReadOnlyCollection<string> names, CancellationToken cancel) => UntilAsync(
        "policies",
        table => table.Rows.Count == names.Count && names.All(n => table.Rows.Any(r => $"{r[0]}/{r[1]}" == n && r[^1] == "in force")),
        cancel);

    private async Task UntilAsync(string name, Func<ShowTable, bool> condition, CancellationToken cancel)
    {
        var deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        foreach (var agent in AgentClient.OfLab(paths.Name, null))
        {
            using (agent)
            {
                while (await agent.TableAsync(name, cancel) is var table && !condition(table))
                {
                    if (Environment.TickCount64 > deadline)
                        throw new LabException($"node {agent.Node}: {name} are not as they should be:\n{table.ToText()}");
                    await Task.Delay(20, cancel);
                }
            }
        }
    }

    private static int ExpectedPods() => DemoSteps.Manifest("application.yaml").Split('\n')
        .Sum(line => line.StartsWith("kind: Pod", StringComparison.Ordinal) ? 1
            : line.StartsWith("  replicas: ", StringComparison.Ordinal) ? int.Parse(line["  replicas: ".Length..], System.Globalization.CultureInfo.InvariantCulture) : 0);

    private static bool IsReady(JsonObject pod) =>
        pod["status"]?["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "Ready" && (string?)c["status"] == "True") ?? false;

    private static DemoPod Read(JsonObject pod)
    {
        var name = (string)pod["metadata"]!["name"]!;
        return new DemoPod(
            (string)pod["metadata"]!["namespace"]!,
            name,
            pod["metadata"]!["ownerReferences"] is null ? name : (string)pod["metadata"]!["labels"]!["app"]!,
            (string)pod["spec"]!["nodeName"]!,
            (string)pod["status"]!["podIP"]!);
    }
}
