using Weft.Lab.Daemon;

namespace Weft.Cli.Demo;

/// <summary>The demo, step by step, in the order in which it is told.</summary>
internal sealed class DemoStory(Stage stage, DemoCluster cluster)
{
    private const int OutsidePort = 9000;
    private const int NodePort = 30080;
    private const int Requests = 30;

    private string Tier { get; } = Path.Combine(LabBinaries.Samples, "tier");

    public async Task TellAsync(CancellationToken cancel)
    {
        await NodesAsync(cancel);
        await ApplicationAsync(cancel);
        await AcrossNodesAsync(cancel);
        await ByNameAsync(cancel);
        await OutAsync(cancel);
        await InAsync(cancel);
        foreach (var step in DemoSteps.All(cluster.Pod("default/my-app").Address))
            await PolicyAsync(step, cancel);
    }

    private async Task NodesAsync(CancellationToken cancel)
    {
        stage.Headline("A three-node Kubernetes network on this machine");
        await LabManager.UpAsync(cluster.Topology, _ => { }, cancel);
        var nodes = (await cluster.Kubectl.RunAsync(["get", "nodes", "--no-headers"], cancel)).OrFail("kubectl get nodes").Lines;
        foreach (var line in nodes)
            Stage.Say(line);
        var ready = nodes.Count(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1] == "Ready");
        stage.Claim("kubectl get nodes", "3 nodes Ready", $"{ready} of {nodes.Count} Ready", ready == 3 && nodes.Count == 3);
    }

    private async Task ApplicationAsync(CancellationToken cancel)
    {
        stage.Headline("web, api and database in development and production");
        await cluster.Kubectl.ApplyAsync(DemoSteps.Manifest("application.yaml"), cancel);
        await cluster.WaitForPodsAsync(cancel);
        await cluster.WaitForBackendsAsync(cancel);
        foreach (var pod in cluster.Pods.OrderBy(p => p.Namespace, StringComparer.Ordinal).ThenBy(p => p.Name, StringComparer.Ordinal))
            Stage.Say($"{pod.Namespace + "/" + pod.Name,-44} {pod.Node,-8} {pod.Address}");
        var spread = cluster.Pods.Select(p => p.Node).Distinct().Count();
        var addresses = cluster.Pods.Select(p => p.Address).Distinct().Count();
        stage.Claim("every pod runs with an address of its own", $"{cluster.Pods.Count} addresses, 3 nodes used", $"{addresses} addresses, {spread} nodes used", addresses == cluster.Pods.Count && spread == 3);
    }

    private async Task AcrossNodesAsync(CancellationToken cancel)
    {
        stage.Headline("Pod to pod across nodes, each seeing the other's own address");
        var from = cluster.Pod("production/web");
        var to = cluster.Pods.First(p => p.Node != from.Node && p is { Namespace: "production", App: "database" or "api" });
        var port = to.App == "database" ? 5432 : 8080;
        var answer = await InPodAsync(from, cancel, "get", $"http://{to.Address}:{port}");
        var expected = $"{to.Name} saw {from.Address}";
        stage.Claim($"{from.Name} on {from.Node} asks {to.Name} on {to.Node} at {to.Address}", expected, answer, answer.StartsWith(expected, StringComparison.Ordinal));
    }

    private async Task ByNameAsync(CancellationToken cancel)
    {
        stage.Headline("By Service name, spread over the backends");
        var from = cluster.Pod("production/web");
        var backends = cluster.Pods.Where(p => p is { Namespace: "production", App: "api" }).Select(p => p.Name).ToList();
        var answers = (await InPodAsync(from, cancel, "get", "http://api:8080", $"{Requests}")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var counts = answers.CountBy(a => a.Split(' ')[0]).OrderBy(c => c.Key, StringComparer.Ordinal).ToList();
        var holds = answers.Length == Requests && counts.Count == backends.Count && counts.All(c => backends.Contains(c.Key));
        stage.Claim($"{from.Name} asks http://api:8080 {Requests} times", $"answers from all {backends.Count} api pods", string.Join(", ", counts.Select(c => $"{c.Key} {c.Value}")), holds);
        var chain = await InPodAsync(cluster.Pod("development/web"), cancel, "get", "http://web.production:8080");
        stage.Claim("development/web asks web.production, which asks api, which asks database", "three answers in one", chain, chain.Split(';') is [var a, var b, var c]
            && a.StartsWith("web-", StringComparison.Ordinal) && b.Trim().StartsWith("api-", StringComparison.Ordinal) && c.Trim().StartsWith("database-", StringComparison.Ordinal));
    }

    private async Task OutAsync(CancellationToken cancel)
    {
        stage.Headline("Out of the cluster, with the node's address");
        var from = cluster.Pod("production/database");
        var node = cluster.Topology.Nodes.Single(n => n.Name == from.Node).Addresses[0];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var server = cluster.Kubectl.OnMachineAsync("outside", [Tier, "serve", "--port", $"{OutsidePort}"], stop.Token);
        var outside = cluster.Topology.OutsideAddresses[0];
        var answer = "";
        for (var i = 0; i < 20 && !answer.Contains("saw", StringComparison.Ordinal); i++)
        {
            await Task.Delay(100, cancel);
            answer = await InPodAsync(from, cancel, "get", $"http://{outside}:{OutsidePort}");
        }
        await stop.CancelAsync();
        await server.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        stage.Claim($"{from.Name} ({from.Address}) on {from.Node} asks the outside host {outside}", $"the outside host saw {node}", answer, answer.EndsWith($"saw {node}", StringComparison.Ordinal));
    }

    private async Task InAsync(CancellationToken cancel)
    {
        stage.Headline("From the outside in, through a NodePort of every node");
        var web = cluster.Pods.Where(p => p is { Namespace: "production", App: "web" }).Select(p => p.Name).ToList();
        foreach (var node in cluster.Topology.Nodes)
        {
            var answer = (await cluster.Kubectl.OnMachineAsync("outside", [Tier, "get", $"http://{node.Addresses[0]}:{NodePort}"], cancel)).Output.Trim();
            stage.Claim($"outside asks {node.Addresses[0]}:{NodePort} ({node.Name})", $"an answer of {string.Join(" or ", web)}", answer, web.Any(w => answer.StartsWith(w, StringComparison.Ordinal)));
        }
    }

    private async Task PolicyAsync(PolicyStep step, CancellationToken cancel)
    {
        stage.Headline($"Policy: {step.Title}");
        var targets = step.Targets.Select(t => t.Label).ToList();
        var before = await ReachAsync(step, cancel);
        stage.Matrix("before", step.Sources, targets, (_, _) => true, (s, t) => before[(s, t)]);
        var manifest = DemoSteps.Manifest(step.Manifest);
        await cluster.Kubectl.ApplyAsync(manifest, cancel);
        await cluster.WaitForPoliciesAsync(Names(manifest), cancel);
        var after = await ReachAsync(step, cancel);
        stage.Matrix($"after kubectl apply -f {step.Manifest}", step.Sources, targets, step.Allowed, (s, t) => after[(s, t)]);
        (await cluster.Kubectl.RunAsync(["delete", "--wait=false", "-f", "-"], cancel, manifest)).OrFail("kubectl delete");
        await cluster.WaitForPoliciesAsync([], cancel);
    }

    private async Task<Dictionary<(string Source, string Target), string>> ReachAsync(PolicyStep step, CancellationToken cancel)
    {
        var rows = await Task.WhenAll(step.Sources.Select(async source =>
        {
            var output = await InPodAsync(cluster.Pod(source), cancel, ["connect", .. step.Targets.Select(t => t.HostAndPort)]);
            var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return step.Targets.Select((t, i) => (Key: (source, t.Label), Value: i < lines.Length ? lines[i].Split(' ', 2)[^1] : "no answer"));
        }));
        return rows.SelectMany(r => r).ToDictionary(r => r.Key, r => r.Value);
    }

    private async Task<string> InPodAsync(DemoPod pod, CancellationToken cancel, params string[] arguments)
    {
        var result = await cluster.Kubectl.ExecAsync(pod.Namespace, pod.Name, [Tier, .. arguments], cancel);
        return (result.Output.Length > 0 ? result.Output : result.Error).Trim();
    }

    private static List<string> Names(string manifest) => [.. manifest.Split('\n')
        .Where(l => l.StartsWith("metadata: {name: ", StringComparison.Ordinal))
        .Select(l => l["metadata: {name: ".Length..].TrimEnd('}').Split(", namespace: "))
        .Select(parts => $"{parts[1]}/{parts[0]}")];
}
