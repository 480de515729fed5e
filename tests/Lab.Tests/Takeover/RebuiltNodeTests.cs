using System.Diagnostics;
using System.Globalization;
using System.Net;
using Lab.Tests.Replay;
using Lab.Tests.Support;
using Weft.Kernel.Namespaces;
using Weft.Lab.Daemon;
using Weft.Model;
using Weft.Scenarios;

namespace Lab.Tests.Takeover;

/// <summary>A node that lost power: nothing of its kernel is left, while its disk, the API and its neighbors remember.</summary>
[Collection(RoughLabCollection.Name)]
public sealed class RebuiltNodeTests(RoughLab lab)
{
    private const int Port = 8080;

    // What Weft makes, in the order that nothing is forwarded meanwhile; what the machine has from elsewhere stays.
    private const string PowerCut = """
        set -e
        for link in $(ip -o link show | sed -n 's/^[0-9]*: \(weft[^:@]*\).*/\1/p'); do ip link delete "$link"; done
        nft delete table inet weft
        for family in -4 -6; do ip $family route flush table all proto 87; done
        ip -4 address flush dev lo scope global
        ip -o link show | cut -d: -f2; nft list tables; ip route show table all; ip -o -4 address show dev lo
        """;

    [SkippableFact]
    public async Task A_denied_peer_gets_nothing_through_and_no_address_is_lost_when_a_node_comes_back_from_nothing()
    {
        lab.Require();
        await using var pods = new Pods(lab, "rebuilt");
        await pods.StartAsync();
        await lab.Api.CreateAsync(Pods.Json("""
            {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"rebuilt","name":"all"},
             "spec":{"podSelector":{"matchExpressions":[{"key":"app","operator":"In","values":["closed1","closed2"]}]}}}
            """));
        var prober = await pods.RunAsync("prober", "node2");
        await using var closed1 = await WatchAsync(pods, "closed1");
        await using var open1 = await WatchAsync(pods, "open1");
        await pods.OpenAsync("closed1");
        await pods.OpenAsync("open1");
        await using var knocking = new Knocking(prober, lab.Topology.Node(0).PodCidrs[0]);
        await Eventually.NoneAsync(() => open1.Heard > 0 ? null : "the open pod hears nothing");

        var old = await AgentPidAsync();
        // Stopped, so that it cannot mend what is being taken away; a machine's agent has no last moments either.
        (await HostAsync("kill", "-STOP", $"{old}")).OrFail();
        try
        {
            await KillProcessesAsync(closed1.Space, open1.Space);
            var left = (await Commands.InsideAsync(lab.Nodes["node1"], null, new ProcessStartInfo("sh", ["-c", PowerCut]))).OrFail();
            Assert.DoesNotContain("weft", left, StringComparison.Ordinal);
            Assert.DoesNotContain("proto 87", left, StringComparison.Ordinal);
        }
        finally
        {
            (await HostAsync("kill", "-KILL", $"{old}")).OrFail();
        }

        // The pods' controllers make others, and the runtime asks for their networks from the first moment on.
        await using var closed2 = await WatchAsync(pods, "closed2");
        await using var open2 = await WatchAsync(pods, "open2");
        await Eventually.NoneAsync(async () => await AgentPidAsync() is > 0 and var now && now != old ? null : "the agent does not come back");
        var (closed, open) = (await pods.OpenAsync("closed2"), await pods.OpenAsync("open2"));
        foreach (var name in (string[])["closed1", "open1"])
            await lab.Api.DeleteAsync(pods.Path("Pod", name));
        await Eventually.NoneAsync(async () => (await lab.Api.ListAsync(LabApi.Collection("Pod", "rebuilt"))).Count == 3 ? null : "the old pods are still there");

        // The same peer reaches the pod that nothing denies, so silence at the other is the policy's work.
        await Eventually.NoneAsync(() => open2.Heard > 0 ? null : "the new open pod hears nothing");
        using var servers = new EchoServers();
        servers.Start(closed, Protocol.Tcp, Port);
        servers.Start(open, Protocol.Tcp, Port);
        Assert.Equal(FlowVerdict.Allow, (await Probes.TcpAsync(prober, new IPEndPoint(open.Addresses[0], Port), silent: false, Eventually.Patience)).Verdict);
        for (var tries = 0; tries < 3; tries++)
        {
            var outcome = await Probes.TcpAsync(prober, new IPEndPoint(closed.Addresses[0], Port), silent: true, TimeSpan.FromMilliseconds(300));
            Assert.NotEqual(FlowVerdict.Allow, outcome.Verdict);
        }
        Assert.True(knocking.Covers(closed.Addresses[0]), $"nobody knocked at {closed.Addresses[0]}");
        Assert.Equal((0, 0), (closed1.Heard, closed2.Heard));

        var agent = lab.Agents.First(a => a.Node == "node1");
        await Eventually.NoneAsync(agent.AppliedProblemAsync);
        Assert.Equal("2", await agent.MetricAsync("weft_attachments"));
        await Eventually.NoneAsync(async () => (await agent.TableAsync("drift")).Rows is [var row, ..] ? string.Join(' ', row) : null);
        Assert.Contains("nothing is wrong with them", (await Commands.WeftAsync(lab, "ipam", "check")).OrFail(), StringComparison.Ordinal);
    }

    /// <summary>Creates a pod on node1 and listens at every interface that it ever gets.</summary>
    private async Task<Listening> WatchAsync(Pods pods, string name)
    {
        await pods.CreateAsync(name, "node1");
        var pod = await lab.Api.GetAsync(pods.Path("Pod", name));
        return new Listening(name, lab.Paths.PodNamespace((string)pod["metadata"]!["uid"]!));
    }

    private static async Task KillProcessesAsync(params string[] spaces)
    {
        foreach (var space in spaces)
            foreach (var pid in (await HostAsync("ip", "netns", "pids", space)).OrFail().Split('\n', StringSplitOptions.RemoveEmptyEntries))
                if (int.Parse(pid, CultureInfo.InvariantCulture) != Environment.ProcessId)
                    await HostAsync("kill", "-KILL", pid);
    }

    private static async Task<CommandResult> HostAsync(params string[] command)
    {
        using var here = NetNamespace.OfProcess();
        return await Commands.InsideAsync(new Machine("host", here, []), null, new ProcessStartInfo(command[0], command[1..]));
    }

    private async Task<int> AgentPidAsync() =>
        (int)((await ControlSocket.AskAsync(lab.Paths))!["nodes"]!.AsArray().Single(n => (string)n!["name"]! == "node1")!["agentPid"]!);
}
