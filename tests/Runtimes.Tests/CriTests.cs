using Lab.Tests.Support;
using Runtimes.Tests.Protos;
using Runtimes.Tests.Support;

namespace Runtimes.Tests;

/// <summary>Pods as kubelet makes them: sandbox and container through containerd's CRI, with the Pod object in the API.</summary>
public sealed class CriTests
{
    private const int HostPort = 18080;

    [SkippableFact]
    public async Task A_pod_runs_under_its_policy_from_the_first_packet_with_its_host_port()
    {
        Host.Require("containerd", "runc");
        await using var machine = await Machine.StartAsync();
        using var containerd = await Containerd.StartAsync(machine);
        await containerd.NetworkReadyAsync();
        var cri = new CriPods(machine, containerd.Cri);
        await machine.Api.CreateAsync("networkpolicies.networking.k8s.io", "default", Objects.Of("""
            {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"default","name":"server"},
             "spec":{"podSelector":{"matchLabels":{"app":"server"}},
                     "ingress":[{"from":[{"podSelector":{"matchLabels":{"app":"friend"}}},{"ipBlock":{"cidr":"172.30.99.0/24"}}]}]}}
            """));
        var friend = await cri.RunAsync("friend", ["sleep", "3600"]);
        var stranger = await cri.RunAsync("stranger", ["sleep", "3600"]);

        // The stranger tries every address that the server may get, without a pause, from before the server exists.
        var (attempts, stop) = cri.Knock(stranger, CriPods.NextAddresses(8), 80);
        var server = await cri.RunAsync("server", ["httpd", "-f", "-p", "80", "-h", "/www"], HostPort);
        Assert.Contains(server.Address, CriPods.NextAddresses(8));
        await Eventually.NoneAsync(async () => await cri.GetAsync(friend, server.Address) is "weft\n" ? null : "the friend is not served");
        Assert.Equal("weft\n", await machine.GetFromOutsideAsync(HostPort));
        stop();
        Assert.DoesNotContain("weft", await attempts, StringComparison.Ordinal);
        Assert.NotEqual("weft\n", await cri.GetAsync(stranger, server.Address));

        // The runtime's word and the agent's are one.
        Assert.Contains((await machine.Agent.TableAsync("pods")).Rows, r => r.Contains("server") && r.Any(c => c.Contains(server.Address, StringComparison.Ordinal)));

        foreach (var pod in new[] { friend, stranger, server })
            await cri.RemoveAsync(pod);
        await Leftovers.NoneAsync(machine);
        Assert.Empty((await containerd.Cri.ListPodSandboxAsync(new ListPodSandboxRequest())).Items);
    }
}
