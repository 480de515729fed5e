using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Lab.Tests.Replay;
using Lab.Tests.Support;
using Weft.Lab.Daemon;
using Weft.Model;
using Weft.Scenarios;

namespace Lab.Tests.Takeover;

/// <summary>Nodes take pods only when their agent can serve, and no pod runs with its policy not in force.</summary>
[Collection(RoughLabCollection.Name)]
public sealed class ClosedNodeTests(RoughLab lab)
{
    [SkippableFact]
    public async Task A_node_whose_agent_cannot_serve_gets_no_pods_until_it_can()
    {
        lab.Require();
        await using var pods = new Pods(lab, "closed");
        await pods.StartAsync();
        var original = await lab.Api.GetAsync("api/v1/nodes/node2");
        // As a machine that is set up anew under its old name registers itself, with a range that its agent must refuse: another node has it.
        await RegisterAsync(original, lab.Topology.Node(0).PodCidrs[0].ToString());
        try
        {
            await lab.Api.CreateAsync(Pods.Json("""
                {"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"closed","name":"waiting"},
                 "spec":{"nodeSelector":{"kubernetes.io/hostname":"node2"},"terminationGracePeriodSeconds":0,
                         "containers":[{"name":"main","image":"sample","command":["sleep","3600"]}]}}
                """));
            await Eventually.NoneAsync(async () => (await pods.EventsAsync("waiting")).Any(e => e.StartsWith("FailedScheduling", StringComparison.Ordinal)
                && e.Contains("taint", StringComparison.Ordinal)) ? null : $"the events are: {string.Join(" | ", await pods.EventsAsync("waiting"))}");
            Assert.Null((string?)(await lab.Api.GetAsync(pods.Path("Pod", "waiting")))["spec"]!["nodeName"]);
            Assert.Contains("weft.dev/agent-not-ready", Taints(await lab.Api.GetAsync("api/v1/nodes/node2")));
        }
        finally
        {
            await RegisterAsync(original, lab.Topology.Node(1).PodCidrs[0].ToString());
        }
        await pods.OpenAsync("waiting");
        Assert.DoesNotContain("weft.dev/agent-not-ready", Taints(await lab.Api.GetAsync("api/v1/nodes/node2")));
    }

    [SkippableFact]
    public async Task A_denied_peer_gets_nothing_through_while_agents_die_and_pods_are_made_anew()
    {
        lab.Require();
        await using var pods = new Pods(lab, "denied");
        await pods.StartAsync();
        await lab.Api.CreateAsync(Pods.Json("""
            {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"denied","name":"all"},
             "spec":{"podSelector":{"matchLabels":{"app":"server"}}}}
            """));
        var prober = await pods.RunAsync("prober", "node1");
        using var servers = new EchoServers();
        for (var round = 0; round < 3; round++)
        {
            // The agent dies beside the pod's making: the runtime asks again until one answers, and that one enforces first.
            var creating = pods.CreateAsync("server", "node1");
            await KillAgentAsync("node1");
            await creating;
            var server = await pods.OpenAsync("server");
            servers.Start(server, Protocol.Tcp, 8080);
            await KillAgentAsync("node1");
            for (var tries = 0; tries < 5; tries++)
            {
                var outcome = await Probes.TcpAsync(prober, new IPEndPoint(server.Addresses[0], 8080), silent: true, TimeSpan.FromMilliseconds(300));
                Assert.NotEqual(FlowVerdict.Allow, outcome.Verdict);
            }
            await lab.Api.DeleteAsync(pods.Path("Pod", "server"));
            await Eventually.NoneAsync(async () => (await lab.Api.ListAsync(LabApi.Collection("Pod", "denied"))).Count == 1 ? null : "the server is still there");
        }
    }

    private static IEnumerable<string?> Taints(JsonObject node) => node["spec"]?["taints"]?.AsArray().Select(t => (string?)t!["key"]) ?? [];

    private async Task RegisterAsync(JsonObject original, string cidr)
    {
        await lab.Api.DeleteAsync("api/v1/nodes/node2");
        await lab.Api.CreateAsync(new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Node",
            ["metadata"] = new JsonObject { ["name"] = "node2", ["labels"] = original["metadata"]!["labels"]!.DeepClone() },
            ["spec"] = new JsonObject
            {
                ["podCIDR"] = cidr,
                ["podCIDRs"] = new JsonArray(cidr),
                ["taints"] = new JsonArray(new JsonObject { ["key"] = "weft.dev/agent-not-ready", ["effect"] = "NoSchedule" }),
            },
        });
        var status = original["status"]!.DeepClone();
        // A node that is new says nothing of its network.
        var conditions = status["conditions"]!.AsArray();
        conditions.Remove(conditions.First(c => (string?)c!["type"] == "NetworkUnavailable"));
        await lab.Api.PatchAsync("api/v1/nodes/node2/status", new JsonObject { ["status"] = status });
    }

    private async Task KillAgentAsync(string node)
    {
        var old = await AgentPidAsync(node);
        using (var agent = Process.GetProcessById(old))
            agent.Kill();
        await Eventually.NoneAsync(async () => await AgentPidAsync(node) is > 0 and var now && now != old ? null : $"the agent of {node} does not come back");
    }

    private async Task<int> AgentPidAsync(string node) =>
        (int)((await ControlSocket.AskAsync(lab.Paths))!["nodes"]!.AsArray().Single(n => (string)n!["name"]! == node)!["agentPid"]!);
}
