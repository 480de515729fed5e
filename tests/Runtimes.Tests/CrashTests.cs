using Lab.Tests.Support;
using Runtimes.Tests.Protos;
using Runtimes.Tests.Support;

namespace Runtimes.Tests;

/// <summary>Runtime and agent killed with SIGKILL while pods come and go.</summary>
public sealed class CrashTests
{
    [SkippableFact]
    public async Task Nothing_leaks_when_containerd_and_the_agent_are_killed()
    {
        Host.Require("containerd", "runc");
        await using var machine = await Machine.StartAsync();
        using var containerd = await Containerd.StartAsync(machine);
        await containerd.NetworkReadyAsync();
        var cri = new CriPods(machine, containerd.Cri);
        var (survivor, goner) = (await cri.RunAsync("survivor", ["sleep", "3600"]), await cri.RunAsync("goner", ["sleep", "3600"]));

        // Sandboxes in the making when both die.
        var uid = await cri.CreateObjectAsync("interrupted");
        var interrupted = Task.Run(async () => await containerd.Cri.RunPodSandboxAsync(new RunPodSandboxRequest { Config = cri.Config("interrupted", uid) }));
        await machine.KillAsync("containerd");
        await machine.KillAsync("weft-agent");
        try
        {
            await interrupted;
        }
        catch (Grpc.Core.RpcException)
        {
            // It was interrupted, or was quicker.
        }

        await containerd.LaunchAsync();
        cri = new CriPods(machine, containerd.Cri);
        // A pod that goes while there is no agent: DEL fails, kubelet asks again.
        await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () => await cri.RemoveAsync(goner));
        await machine.StartAgentAsync();
        await Eventually.NoneAsync(machine.Agent.ReadyProblemAsync);
        await Eventually.NoneAsync(async () =>
        {
            try
            {
                await cri.RemoveAsync(goner);
                return null;
            }
            catch (Grpc.Core.RpcException e)
            {
                return e.Status.Detail;
            }
        });

        // The one that was in the making is not heard of again by kubelet, which forgets its pod.
        await machine.Api.DeleteAsync("pods", "default", "interrupted", gracePeriodSeconds: 0);
        foreach (var sandbox in (await containerd.Cri.ListPodSandboxAsync(new ListPodSandboxRequest())).Items.Where(s => s.Id != survivor.Sandbox))
        {
            await containerd.Cri.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = sandbox.Id });
            await containerd.Cri.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = sandbox.Id });
        }
        await Eventually.NoneAsync(async () => await machine.Agent.MetricAsync("weft_attachments") is "1" ? null : "more than the survivor is attached: " + machine.Log("weft-agent"));
        Assert.Contains(survivor.Address, (await cri.ExecAsync(survivor, "ip", "addr")).Stdout.ToStringUtf8(), StringComparison.Ordinal);
        Assert.Equal(0, (await cri.ExecAsync(survivor, "ping", "-c", "1", "-W", "5", $"{Machine.Address}")).ExitCode);
        await cri.RemoveAsync(survivor);
        await Leftovers.NoneAsync(machine);
    }

    [SkippableFact]
    public async Task A_sandbox_that_went_behind_the_agents_back_gives_its_address_back_and_a_live_one_does_not()
    {
        Host.Require("containerd", "runc");
        await using var machine = await Machine.StartAsync();
        using var containerd = await Containerd.StartAsync(machine);
        await containerd.NetworkReadyAsync();
        var cri = new CriPods(machine, containerd.Cri);
        var (kept, lost) = (await cri.RunAsync("kept", ["sleep", "3600"]), await cri.RunAsync("lost", ["sleep", "3600"]));
        // The plugin is away when the runtime removes the sandbox, as in a botched upgrade: no DEL ever reaches the agent, and the namespace,
        // held by a bind mount, stays with the interface in it.
        var space = (await machine.RunAsync("sh", "-c", "ls -t /run/netns | head -n 1")).OrFail().Trim();
        (await machine.RunAsync("sh", "-c", $"touch /run/held && mount --bind /run/netns/{space} /run/held && mv /opt/cni/bin/weft-cni /opt/cni/bin/weft-cni.away && printf '#!/bin/sh\\nexit 0\\n' > /opt/cni/bin/weft-cni && chmod 755 /opt/cni/bin/weft-cni")).OrFail();
        await cri.RemoveAsync(lost);
        // The API forgets the other one too, and the runtime does not: it stays.
        await machine.Api.DeleteAsync("pods", "default", kept.Name, gracePeriodSeconds: 0);
        await Eventually.NoneAsync(async () => await machine.Agent.MetricAsync("weft_ipam_collected_total{reason=\"sandbox-gone\"}") is "1" ? null : "not collected: " + machine.Log("weft-agent"));
        await Eventually.NoneAsync(async () => await machine.Agent.MetricAsync("weft_ipam_suspects{reason=\"sandbox-exists\"}") is "1" ? null : "the other one is not told");
        Assert.Equal("1", await machine.Agent.MetricAsync("weft_attachments"));
        Assert.Contains("freed " + lost.Address, machine.Log("weft-agent"), StringComparison.Ordinal);
        Assert.Equal(0, (await cri.ExecAsync(kept, "ping", "-c", "1", "-W", "5", $"{Machine.Address}")).ExitCode);

        // A runtime that is down says nothing: still kept.
        await machine.KillAsync("containerd");
        await Eventually.NoneAsync(async () => await machine.Agent.MetricAsync("weft_ipam_suspects{reason=\"runtime-silent\"}") is "1" ? null : "the silence is not told");
        Assert.Equal("1", await machine.Agent.MetricAsync("weft_attachments"));
    }
}
