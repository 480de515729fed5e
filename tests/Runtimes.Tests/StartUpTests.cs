using System.Text.Json.Nodes;
using Lab.Tests.Support;
using Runtimes.Tests.Support;
using Weft.KubeApi.Client;

namespace Runtimes.Tests;

/// <summary>When a machine is shown to runtimes and the scheduler, and that it has one agent only.</summary>
public sealed class StartUpTests
{
    private const string Configuration = "/etc/cni/net.d/10-weft.conflist";

    [SkippableFact]
    public async Task Without_an_address_range_nothing_is_announced_and_with_one_the_taint_goes()
    {
        Host.Require();
        await using var machine = await Machine.StartAsync(podCidr: null);
        // The first pass is over, and still the node is not one for pods: nobody knows its range.
        await Eventually.NoneAsync(machine.Agent.ReadyProblemAsync);
        Assert.False(File.Exists(machine.File(Configuration)));

        await machine.CreateNodeAsync(Machine.PodCidr);
        await machine.ReadyAsync();
        await Eventually.NoneAsync(async () =>
        {
            var node = await machine.Api.GetAsync("nodes", "", Machine.Node);
            var taints = node["spec"]?["taints"]?.AsArray().Select(t => (string?)t!["key"]) ?? [];
            return taints.SequenceEqual(["example.com/other"]) && NetworkUnavailable(node) == "False" ? null : node.ToJsonString();
        });
    }

    [SkippableFact]
    public async Task A_second_agent_in_the_namespace_is_refused_and_touches_nothing()
    {
        Host.Require();
        await using var machine = await Machine.StartAsync();
        var rules = (await machine.RunAsync("nft", "-a", "-s", "list", "table", "inet", "weft")).OrFail();
        var sockets = Sockets(machine);
        // Another directory and other sockets, as when a second package brings its own unit file.
        var second = await machine.RunAsync(machine.AgentCommand(
            "--state-dir", "/var/lib/weft2", "--cni-socket", "/run/weft2/agent.sock", "--health-socket", "/run/weft2/health.sock", "--cni-conf-dir", "/etc/cni2"));
        Assert.Equal(1, second.ExitCode);
        Assert.Matches(@"another weft-agent \(process \d+\) runs in this network namespace", second.Error);
        Assert.False(Directory.Exists(machine.File("/var/lib/weft2")) || Directory.Exists(machine.File("/run/weft2")) || Directory.Exists(machine.File("/etc/cni2")));

        // Elsewhere, but with the first one's sockets: they stay the first one's.
        var elsewhere = await machine.RunAsync(["unshare", "--net", .. machine.AgentCommand("--state-dir", "/var/lib/weft2")]);
        Assert.Equal(1, elsewhere.ExitCode);
        Assert.Contains("another weft-agent answers there", elsewhere.Error, StringComparison.Ordinal);
        Assert.Equal(sockets, Sockets(machine));
        Assert.Null(await machine.Agent.ReadyProblemAsync());
        Assert.Equal(rules, (await machine.RunAsync("nft", "-a", "-s", "list", "table", "inet", "weft")).OrFail());

        // Killed, it leaves nothing that keeps the next one out; and a restart closes the node to nobody.
        await machine.KillAsync("weft-agent");
        await machine.StartAgentAsync();
        await Eventually.NoneAsync(machine.Agent.ReadyProblemAsync);
        var node = await machine.Api.GetAsync("nodes", "", Machine.Node);
        Assert.Equal("False", NetworkUnavailable(node));
    }

    private static string Sockets(Machine machine) => string.Join(' ', Directory.GetFiles(machine.File("/run/weft")).Order(StringComparer.Ordinal)
        .Select(f => $"{Path.GetFileName(f)}:{File.GetLastWriteTimeUtc(f).Ticks}"));

    private static string? NetworkUnavailable(JsonObject node) =>
        (string?)node["status"]?["conditions"]?.AsArray().FirstOrDefault(c => (string?)c!["type"] == "NetworkUnavailable")?["status"];
}
