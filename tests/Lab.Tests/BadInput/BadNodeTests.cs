using System.Net;
using System.Text.Json.Nodes;
using Lab.Tests.Replay;
using Lab.Tests.Support;
using Weft.Model;
using Weft.Scenarios;

namespace Lab.Tests.BadInput;

/// <summary>Pod prefixes that are too small or another node's.</summary>
[Collection(RoughLabCollection.Name)]
public sealed class BadNodeTests(RoughLab lab)
{
    [SkippableFact]
    public async Task Two_nodes_with_one_prefix_are_told_and_other_pods_keep_their_network()
    {
        lab.Require();
        await using var pods = new Pods(lab, "overlap");
        await pods.StartAsync();
        await pods.CreateAsync("a", "node1");
        await pods.CreateAsync("b", "node2");
        var (a, b) = (await pods.OpenAsync("a"), await pods.OpenAsync("b"));
        using var servers = new EchoServers();
        servers.Start(b, Protocol.Tcp, 8080);
        var taken = lab.Topology.Node(0).PodCidrs[0].ToString();
        await lab.Api.CreateAsync(Pods.Json($$$"""{"apiVersion":"v1","kind":"Node","metadata":{"name":"twin"},"spec":{"podCIDR":"{{{taken}}}","podCIDRs":["{{{taken}}}"]}}"""));
        try
        {
            foreach (var agent in lab.Agents)
            {
                await Eventually.NoneAsync(async () => (await agent.TableAsync("diagnostics")).Rows.Any(r => r[0] == "Node twin" && r[1] == "spec.podCIDRs" && r[2] == taken)
                    ? null : $"{agent.Node} does not tell of it:\n{(await agent.TableAsync("diagnostics")).ToText()}");
            }
            await Eventually.NoneAsync(async () => (await lab.Api.ListAsync(LabApi.Collection("Event", "default")))
                .Any(e => (string?)e["involvedObject"]?["name"] == "twin" && $"{e["message"]}".Contains("spec.podCIDRs", StringComparison.Ordinal)) ? null : "no Event tells of it");
            var outcome = await Probes.TcpAsync(a, new IPEndPoint(b.Addresses[0], 8080), silent: false, Eventually.Patience);
            Assert.Equal((FlowVerdict.Allow, b.Name), (outcome.Verdict, outcome.Server));
        }
        finally
        {
            await lab.Api.DeleteAsync("api/v1/nodes/twin");
        }
        foreach (var agent in lab.Agents)
            await Eventually.NoneAsync(async () => (await agent.TableAsync("diagnostics")).Rows.Count == 0 ? null : $"{agent.Node} still complains");
    }

    [SkippableFact]
    public async Task An_exhausted_prefix_is_told_on_the_pod_and_the_others_keep_their_network()
    {
        lab.Require();
        var original = await lab.Api.GetAsync("api/v1/nodes/node2");
        // Of the eight addresses of a /29, the first is the tunnel's and the last is left alone.
        const int Room = 6;
        await using (var pods = new Pods(lab, "crowd"))
        {
            await pods.StartAsync();
            await ReplaceNodeAsync(original, "10.244.1.0/29");
            try
            {
                var names = Enumerable.Range(0, Room + 1).Select(i => $"p{i}").ToList();
                foreach (var name in names)
                    await pods.CreateAsync(name, "node2");
                await Eventually.NoneAsync(async () => await RunningAsync(pods) == Room ? null : $"{await RunningAsync(pods)} pods run; {string.Join(" | ", await AllEventsAsync(pods, names))}");
                var waiting = await WaitingAsync(pods);
                await Eventually.NoneAsync(async () => (await pods.EventsAsync(waiting)).Any(e => e.StartsWith("FailedCreatePodSandBox", StringComparison.Ordinal)
                    && e.Contains("10.244.1.0/29", StringComparison.Ordinal) && e.Contains("exhausted", StringComparison.Ordinal))
                    ? null : $"the events of {waiting} are: {string.Join(" | ", await pods.EventsAsync(waiting))}");
                Assert.Equal($"{Room}", await lab.Agents[1].MetricAsync("weft_attachments"));

                using var servers = new EchoServers();
                var (first, last) = (await pods.OpenAsync(names.First(n => n != waiting)), await pods.OpenAsync(names.Last(n => n != waiting)));
                servers.Start(last, Protocol.Tcp, 8080);
                var outcome = await Probes.TcpAsync(first, new IPEndPoint(last.Addresses[0], 8080), silent: false, Eventually.Patience);
                Assert.Equal((FlowVerdict.Allow, last.Name), (outcome.Verdict, outcome.Server));

                // Room again, and the pod that waited gets it. Addresses rest before they are given anew, so this may be that one's.
                await lab.Api.DeleteAsync(pods.Path("Pod", names.First(n => n != waiting)));
                await pods.OpenAsync(waiting);
            }
            finally
            {
                foreach (var pod in await lab.Api.ListAsync(LabApi.Collection("Pod", "crowd")))
                    await lab.Api.DeleteAsync(pods.Path("Pod", (string)pod["metadata"]!["name"]!));
                await Eventually.NoneAsync(async () => await lab.Agents[1].MetricAsync("weft_attachments") is "0" ? null : "attachments are left");
                await ReplaceNodeAsync(original, lab.Topology.Node(1).PodCidrs[0].ToString());
            }
        }
    }

    /// <summary>A node's prefix never changes (the API refuses it): the Node goes and comes back with another, as when a machine is set up anew.</summary>
    private async Task ReplaceNodeAsync(JsonObject original, string cidr)
    {
        await lab.Api.DeleteAsync("api/v1/nodes/node2");
        var metadata = original["metadata"]!;
        await lab.Api.CreateAsync(new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Node",
            ["metadata"] = new JsonObject { ["name"] = "node2", ["labels"] = metadata["labels"]!.DeepClone() },
            ["spec"] = new JsonObject { ["podCIDR"] = cidr, ["podCIDRs"] = new JsonArray(cidr) },
        });
        await lab.Api.PatchAsync("api/v1/nodes/node2/status", new JsonObject { ["status"] = original["status"]!.DeepClone() });
        foreach (var agent in lab.Agents)
        {
            await Eventually.NoneAsync(async () => (await agent.TableAsync("nodes")).Rows.Any(r => r[0] == "node2" && r[2] == cidr) ? null
                : $"{agent.Node} knows other nodes:\n{(await agent.TableAsync("nodes")).ToText()}");
            await Eventually.NoneAsync(agent.AppliedProblemAsync);
        }
    }

    private async Task<int> RunningAsync(Pods pods) =>
        (await lab.Api.ListAsync(LabApi.Collection("Pod", pods.Namespace))).Count(p => (string?)p["status"]?["phase"] == "Running");

    private async Task<string> WaitingAsync(Pods pods) =>
        (string)(await lab.Api.ListAsync(LabApi.Collection("Pod", pods.Namespace))).Single(p => (string?)p["status"]?["phase"] != "Running")["metadata"]!["name"]!;

    private static async Task<IEnumerable<string>> AllEventsAsync(Pods pods, IEnumerable<string> names)
    {
        var all = new List<string>();
        foreach (var name in names)
            all.AddRange(await pods.EventsAsync(name));
        return all;
    }
}
