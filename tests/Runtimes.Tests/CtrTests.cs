using Lab.Tests.Support;
using Runtimes.Tests.Support;

namespace Runtimes.Tests;

/// <summary><c>ctr run --cni</c>: containers without a Pod object.</summary>
public sealed class CtrTests
{
    [SkippableFact]
    public async Task A_container_reaches_another_and_the_node_and_leaves_nothing()
    {
        Host.Require("containerd", "ctr", "runc");
        await using var machine = await Machine.StartAsync();
        using var containerd = await Containerd.StartAsync(machine);

        // A server that ctr keeps in the foreground, so that its end is followed by DEL.
        var server = containerd.CtrAsync("server", "httpd", "-f", "-p", "80", "-h", "/www");
        string? address = null;
        await Eventually.NoneAsync(async () =>
        {
            address = (await machine.Agent.TableAsync("pods")).Rows.SelectMany(r => r).FirstOrDefault(c => c.StartsWith("10.244.7.", StringComparison.Ordinal));
            address ??= (await machine.RunAsync("ip", "-o", "route")).Output.Split('\n').FirstOrDefault(l => l.StartsWith("10.244.7.", StringComparison.Ordinal) && l.Contains("dev weft", StringComparison.Ordinal) && !l.Contains("/24", StringComparison.Ordinal))?.Split(' ')[0];
            return server.IsCompleted ? throw new InvalidOperationException((await server).Error) : address is null ? "the server has no address" : null;
        });
        var client = await containerd.CtrAsync("client", "sh", "-c", $"ip -o -4 addr show eth0; {CriPods.Get(address!)} && ping -c 1 -W 5 {Machine.Address} >/dev/null && echo node");
        Assert.Matches(@"inet 10\.244\.7\.\d+/32", client.OrFail("client"));
        Assert.Contains("node", client.Output, StringComparison.Ordinal);
        Assert.Contains("weft", client.Output, StringComparison.Ordinal);

        (await machine.RunAsync("ctr", "task", "kill", "-s", "SIGKILL", "server")).OrFail("ctr task kill");
        await server;
        await Leftovers.NoneAsync(machine);
    }

    [SkippableFact]
    public async Task A_detached_container_that_ctr_never_deletes_gives_its_address_back()
    {
        Host.Require("containerd", "ctr", "runc");
        await using var machine = await Machine.StartAsync();
        using var containerd = await Containerd.StartAsync(machine);
        await containerd.CtrDetachedAsync("forgotten", "sleep", "3600");
        Assert.Equal("1", await machine.Agent.MetricAsync("weft_attachments"));
        (await machine.RunAsync("ctr", "task", "kill", "-s", "SIGKILL", "forgotten")).OrFail("ctr task kill");
        // No DEL comes; the namespace has died with its process, and the agent's own look finds it.
        await Leftovers.NoneAsync(machine);
        Assert.Equal("1", await machine.Agent.MetricAsync("weft_ipam_collected_total{reason=\"interface-gone\"}"));
    }
}
