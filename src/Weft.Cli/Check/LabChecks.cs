using System.Text.Json.Nodes;
using Weft.Cli.Show;
using Weft.Lab.Daemon;
using Weft.Lab.Topology;

namespace Weft.Cli.Check;

/// <summary>Agents' health, and probes from a pod on every node: to every other pod, a Service, DNS and out of the cluster.</summary>
internal sealed class LabChecks(LabPaths paths, LabTopology topology, CheckReport report)
{
    private const string Namespace = "weft-check";
    private const int Port = 8099;

    private readonly Kubectl _kubectl = new(paths);
    private readonly string _tier = Path.Combine(LabBinaries.Samples, "tier");

    public async Task RunAsync(CancellationToken cancel)
    {
        CheckReport.Section($"lab {topology.Name}");
        await AgentsAsync(cancel);
        try
        {
            await _kubectl.ApplyAsync(Manifest(), cancel);
            var pods = await PodsAsync(cancel);
            report.Line(
                "a probe pod on every node",
                pods.Count == topology.NodeCount,
                $"{pods.Count} of {topology.NodeCount} ready",
                $"See weft lab kubectl --name {topology.Name} -- describe pods -n {Namespace}.");
            foreach (var pod in pods)
                await ProbeAsync(pod, pods, cancel);
        }
        catch (LabException e)
        {
            report.Line("probe pods", false, e.Message, $"See weft lab status --name {topology.Name}.");
        }
        finally
        {
            await _kubectl.RunAsync(["delete", "namespace", Namespace, "--ignore-not-found", "--wait=true", "--timeout=20s"], CancellationToken.None);
        }
    }

    private async Task AgentsAsync(CancellationToken cancel)
    {
        foreach (var agent in AgentClient.OfLab(topology.Name, null))
        {
            using (agent)
            {
                var problem = await agent.ProblemAsync(cancel);
                report.Line($"agent on {agent.Node}", problem is null, problem ?? "", $"See weft lab logs --name {topology.Name} {agent.Node}.");
            }
        }
    }

    private async Task<IReadOnlyList<(string Name, string Node, string Address)>> PodsAsync(CancellationToken cancel)
    {
        (await _kubectl.RunAsync(["rollout", "status", "-n", Namespace, "daemonset/probe", "--timeout=20s"], cancel)).OrFail("waiting for the probe pods");
        var result = (await _kubectl.RunAsync(["get", "pods", "-n", Namespace, "-o", "json"], cancel)).OrFail("kubectl get pods");
        return [.. JsonNode.Parse(result.Output)!["items"]!.AsArray()
            .Where(p => (string?)p!["status"]?["podIP"] is { Length: > 0 })
            .Select(p => ((string)p!["metadata"]!["name"]!, (string)p["spec"]!["nodeName"]!, (string)p["status"]!["podIP"]!))];
    }

    private async Task ProbeAsync((string Name, string Node, string Address) pod, IReadOnlyList<(string Name, string Node, string Address)> all, CancellationToken cancel)
    {
        var others = all.Where(p => p.Name != pod.Name).Select(p => $"{Bracket(p.Address)}:{Port}").ToList();
        var outside = $"{Bracket(topology.OutsideAddresses[0].ToString())}:9";
        var service = $"probe.{Namespace}:{Port}";
        var results = (await _kubectl.ExecAsync(Namespace, pod.Name, [_tier, "connect", .. others, service, outside], cancel)).Lines
            .Select(l => l.Split(' ', 2)).Where(w => w.Length == 2).ToDictionary(w => w[0], w => w[1]);
        var unreached = others.Where(o => results.GetValueOrDefault(o) != "open").Select(o => $"{o} {results.GetValueOrDefault(o, "no answer")}").ToList();
        report.Line($"{pod.Node}: pod to pod", unreached.Count == 0, unreached.Count == 0 ? $"{others.Count} pods" : string.Join(", ", unreached), $"See weft show drift --node {pod.Node} and weft show routes --node {pod.Node}.");
        report.Line($"{pod.Node}: pod to Service", results.GetValueOrDefault(service) == "open", results.GetValueOrDefault(service, "no answer"), $"See weft show services and weft show nft --node {pod.Node}.");
        // Nothing listens there: being refused shows that the packet came and the answer found its way back.
        report.Line($"{pod.Node}: out of the cluster", results.GetValueOrDefault(outside) is "refused" or "open", results.GetValueOrDefault(outside, "no answer"), $"Check the node's default route and masquerade: weft show nft --node {pod.Node}.");
        var name = $"kubernetes.default.svc.{LabTopology.ClusterDomain}";
        var resolved = await _kubectl.ExecAsync(Namespace, pod.Name, [_tier, "resolve", name], cancel);
        report.Line($"{pod.Node}: DNS", resolved.ExitCode == 0, resolved.Output.Trim(), $"See weft lab logs --name {topology.Name} {pod.Node}.");
    }

    private static string Bracket(string address) => address.Contains(':') ? $"[{address}]" : address;

    private static string Manifest() =>
        $$$"""
        apiVersion: v1
        kind: Namespace
        metadata: {name: {{{Namespace}}}}
        ---
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: probe, namespace: {{{Namespace}}}}
        spec:
          selector: {matchLabels: {app: probe}}
          template:
            metadata: {labels: {app: probe}}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: probe
                image: weft.dev/sample/tier
                args: ["serve", "--port", "{{{Port}}}"]
                readinessProbe: {httpGet: {path: /healthz, port: {{{Port}}}}, periodSeconds: 1}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: probe, namespace: {{{Namespace}}}}
        spec:
          selector: {app: probe}
          ports: [{port: {{{Port}}}}]
        """;
}
