using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Lab.Tests.Replay;
using Lab.Tests.Support;
using Weft.Model;
using Weft.Primitives;
using Weft.Scenarios;

namespace Lab.Tests.Ipam;

/// <summary>Pools with real pods and packets on three nodes, and what <c>weft ipam</c> tells of them.</summary>
[Collection(IPv4LabCollection.Name)]
public sealed class PoolTests(IPv4Lab lab) : IAsyncDisposable
{
    private const int Port = 8080;
    private readonly List<string> _pools = [];
    private readonly EchoServers _servers = new();

    public async ValueTask DisposeAsync()
    {
        _servers.Dispose();
        foreach (var pool in _pools)
            await lab.Api.DeleteAsync($"{LabApi.Collection("IPPool", "")}/{pool}");
        // Nodes give up what is of no use to anybody, once the last address has rested.
        await Eventually.NoneAsync(async () => (await lab.Api.ListAsync(LabApi.Collection("IPBlock", ""))).FirstOrDefault(b => _pools.Contains((string)b["spec"]!["pool"]!)) is { } left
            ? $"a block is still there: {left.ToJsonString()}" : null);
    }

    private async Task PoolAsync(string name, string spec)
    {
        await lab.Api.CreateAsync(Pods.Json($$$"""{"apiVersion":"weft.dev/v1alpha1","kind":"IPPool","metadata":{"name":"{{{name}}}"},"spec":{{{{spec}}}}}"""), "?fieldValidation=Strict");
        _pools.Add(name);
        foreach (var agent in lab.Agents)
            await Eventually.NoneAsync(agent.AppliedProblemAsync);
    }

    private static string Of(string pool) => $"\"weft.dev/ip-pools\":\"{pool}\"";

    private async Task ReachesAsync(Machine from, Machine to) => await Eventually.NoneAsync(async () =>
    {
        var outcome = await Probes.TcpAsync(from, new IPEndPoint(to.Addresses[0], Port), silent: false, TimeSpan.FromSeconds(5));
        return outcome.Verdict == FlowVerdict.Allow && outcome.Server == to.Name ? null : $"{from.Name} to {to.Name} at {to.Addresses[0]}: {outcome}";
    });

    private static void In(string prefix, Machine pod) => Assert.True(IpPrefix.Parse(prefix).Contains(pod.Addresses[0]), $"{pod.Name} has {pod.Addresses[0]}, not one of {prefix}");

    [SkippableFact]
    public async Task Pods_of_two_pools_on_three_nodes_reach_each_other()
    {
        lab.Require();
        await PoolAsync("red", "\"cidr\":\"10.160.0.0/24\",\"blockSize\":27,\"assignment\":\"AnnotationOnly\",\"reserved\":[\"10.160.0.0/29\"]");
        await PoolAsync("green", "\"cidr\":\"10.161.0.0/24\",\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"green\"}}");
        await using var plain = new Pods(lab, "red");
        await using var green = new Pods(lab, "green");
        await plain.StartAsync();
        await green.StartAsync();
        var pods = new List<Machine>();
        for (var i = 1; i <= 3; i++)
        {
            pods.Add(await plain.RunAsync($"r{i}", $"node{i}", Of("red")));
            pods.Add(await green.RunAsync($"g{i}", $"node{i}"));
        }
        var fixedPod = await plain.RunAsync("fixed", "node2", "\"weft.dev/ip-addresses\":\"10.160.0.200\"");
        Assert.Equal("10.160.0.200", fixedPod.Addresses[0].ToString());
        pods.Add(fixedPod);
        Assert.All(pods.Where(p => p.Name.StartsWith("red/r", StringComparison.Ordinal)), p => In("10.160.0.0/24", p));
        Assert.All(pods.Where(p => p.Name.StartsWith("green/", StringComparison.Ordinal)), p => In("10.161.0.0/24", p));
        Assert.DoesNotContain(pods, p => IpPrefix.Parse("10.160.0.0/29").Contains(p.Addresses[0]));
        foreach (var pod in pods)
            _servers.Start(pod, Protocol.Tcp, Port);
        foreach (var from in pods)
            foreach (var to in pods.Where(p => p != from))
                await ReachesAsync(from, to);
        // The node itself reaches them as well: the answer comes back through the tunnel.
        await ReachesAsync(lab.Nodes["node3"], pods[0]);
    }

    [SkippableFact]
    public async Task A_node_that_runs_out_borrows_and_strict_affinity_forbids_it()
    {
        lab.Require();
        await PoolAsync("tiny", "\"cidr\":\"10.162.0.0/30\",\"blockSize\":30,\"assignment\":\"AnnotationOnly\"");
        await PoolAsync("strict", "\"cidr\":\"10.163.0.0/30\",\"blockSize\":30,\"assignment\":\"AnnotationOnly\",\"strictAffinity\":true");
        await using var pods = new Pods(lab, "borrow");
        await pods.StartAsync();
        var owner = await pods.RunAsync("owner", "node1", Of("tiny"));
        var borrower = await pods.RunAsync("borrower", "node2", Of("tiny"));
        var far = await pods.RunAsync("far", "node3");
        In("10.162.0.0/30", borrower);
        foreach (var pod in new[] { owner, borrower })
            _servers.Start(pod, Protocol.Tcp, Port);
        foreach (var from in new[] { owner, far })
            await ReachesAsync(from, borrower);
        await ReachesAsync(borrower, owner);
        var block = Assert.Single(await lab.Api.ListAsync("apis/weft.dev/v1alpha1/ipblocks"), b => (string?)b["spec"]!["pool"] == "tiny");
        Assert.Equal(("node1", "node2"), ((string?)block["spec"]!["node"], (string?)block["spec"]!["loans"]![0]!["node"]));

        await pods.RunAsync("strict1", "node1", Of("strict"));
        await pods.CreateAsync("strict2", "node2", Of("strict"));
        await Eventually.NoneAsync(async () => (await pods.EventsAsync("strict2")).Any(e => e.Contains("IPPool strict has strictAffinity", StringComparison.Ordinal))
            ? null : $"no event tells of strictAffinity: {string.Join(" | ", await pods.EventsAsync("strict2"))}");
        await pods.CreateAsync("unknown", "node1", Of("nosuch"));
        await Eventually.NoneAsync(async () => (await pods.EventsAsync("unknown")).Any(e => e.Contains("weft.dev/ip-pools is 'nosuch', but there is no IPPool nosuch", StringComparison.Ordinal))
            ? null : $"no event tells of the annotation: {string.Join(" | ", await pods.EventsAsync("unknown"))}");
        Assert.Equal(0, (await Commands.WeftAsync(lab, "ipam", "check")).ExitCode);
    }

    [SkippableFact]
    public async Task A_leak_made_by_hand_is_shown_proven_and_released()
    {
        lab.Require();
        await using var pods = new Pods(lab, "leak");
        await pods.StartAsync();
        var pod = await pods.RunAsync("victim", "node1");
        var address = pod.Addresses[0].ToString();
        Assert.Contains("nothing is wrong with them", (await Commands.WeftAsync(lab, "ipam", "check")).OrFail(), StringComparison.Ordinal);
        Assert.Matches(@"node1 +10\.244\.0\.0/24 +\(node\) +254", (await Commands.WeftAsync(lab, "ipam", "show")).OrFail());
        var refused = await Commands.WeftAsync(lab, "ipam", "release", address);
        Assert.Equal((1, true), (refused.ExitCode, refused.Output.Contains("not proven leaked, so it stays: pod leak/victim has", StringComparison.Ordinal)));

        await Commands.InsideAsync(lab.Nodes["node1"], null, new ProcessStartInfo("ip", ["link", "del", await InterfaceAsync(address)]));
        var check = await Commands.WeftAsync(lab, "ipam", "check");
        Assert.Equal(1, check.ExitCode);
        Assert.Contains($"weft ipam release {address}", check.Output, StringComparison.Ordinal);
        var why = (await Commands.WeftAsync(lab, "ipam", "why", address)).OrFail();
        Assert.Contains("does not exist, so nothing can receive a packet at its address", why, StringComparison.Ordinal);
        Assert.Contains("leaked: nothing uses it", why, StringComparison.Ordinal);
        Assert.Contains($"node node1: released {address} of pod leak/victim", (await Commands.WeftAsync(lab, "ipam", "release", address)).OrFail(), StringComparison.Ordinal);
        Assert.Contains("resting", (await Commands.WeftAsync(lab, "ipam", "why", address)).OrFail(), StringComparison.Ordinal);
        Assert.NotEqual(0, (await Commands.WeftAsync(lab, "ipam", "release", address)).ExitCode);
    }

    // From the proof itself, as a person would read it.
    private async Task<string> InterfaceAsync(string address)
    {
        var facts = JsonNode.Parse((await Commands.WeftAsync(lab, "ipam", "why", address, "-o", "json")).OrFail())!.AsArray();
        return facts.Select(f => ((string)f!["detail"]!).Split(' ')).First(w => w is ["its", "interface", _, "exists"])[2];
    }
}
