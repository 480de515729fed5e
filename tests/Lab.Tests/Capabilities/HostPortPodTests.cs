using System.Net;
using System.Net.Sockets;
using Lab.Tests.Replay;
using Lab.Tests.Support;
using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Scenarios;

namespace Lab.Tests.Capabilities;

/// <summary>Pods as people write them, with hostPort and bandwidth annotations: what the node's kernel gets, and that it goes with the pod.</summary>
[Collection(RoughLabCollection.Name)]
public sealed class HostPortPodTests(RoughLab lab)
{
    private static string Manifest(string name, string node, int hostPort) => $$"""
        apiVersion: v1
        kind: Pod
        metadata:
          namespace: ports
          name: {{name}}
          annotations: {kubernetes.io/ingress-bandwidth: 20M, kubernetes.io/egress-bandwidth: 10M}
        spec:
          nodeName: {{node}}
          terminationGracePeriodSeconds: 0
          containers:
          - {name: main, image: sample, command: [sleep, "3600"], ports: [{containerPort: 8080, hostPort: {{hostPort}}}]}
        """;

    [SkippableFact]
    public async Task A_pods_port_and_limits_are_in_the_kernel_and_go_with_it()
    {
        lab.Require();
        Commands.RequireKubectl();
        await using var pods = new Pods(lab, "ports");
        await pods.StartAsync();
        var (node, agent) = (lab.Nodes["node1"], lab.Agents.Single(a => a.Node == "node1"));
        using var netlink = RouteNetlink.Open(node.Network);
        (await Commands.KubectlAsync(lab, Manifest("web", "node1", 18080), "apply", "-f", "-")).OrFail();
        var web = await pods.OpenAsync("web");
        using var servers = new EchoServers();
        servers.Start(web, Protocol.Tcp, 8080);

        foreach (var (from, to) in new[] { (lab.Outside, node.Addresses[0]), (node, IPAddress.Loopback), (web, node.Addresses[0]), (lab.Nodes["node2"], node.Addresses[0]) })
        {
            var outcome = await Probes.TcpAsync(from, new IPEndPoint(to, 18080), silent: false, Eventually.Patience);
            Assert.Equal((FlowVerdict.Allow, "ports/web"), (outcome.Verdict, outcome.Server));
        }
        Assert.Contains((await agent.TableAsync("hostports")).Rows, r => r[1] == "18080/TCP" && r[4] == "ports/web");
        Assert.Equal([1_250_000, 2_500_000], netlink.Qdiscs().Select(q => q.Shaper).OfType<Weft.Model.Routing.Shaper>().Select(s => s.Rate).Order());
        Assert.Single(netlink.Links(), l => l.Kind == "ifb");

        // Past the scheduler, which would not have put it here: the runtime tells who has the port.
        (await Commands.KubectlAsync(lab, Manifest("rival", "node1", 18080), "apply", "-f", "-")).OrFail();
        await Eventually.NoneAsync(async () => string.Join(" | ", await pods.EventsAsync("rival")) is var events
            && events.Contains("taken by Pod ports/web", StringComparison.Ordinal) ? null : $"events of the rival: {events}");
        (await Commands.KubectlAsync(lab, null, "-n", "ports", "delete", "pod", "rival", "--force")).OrFail();

        (await Commands.KubectlAsync(lab, null, "-n", "ports", "delete", "pod", "web")).OrFail();
        await Eventually.NoneAsync(async () => netlink.Qdiscs().Count > 0 || netlink.Links().Any(l => l.Kind == "ifb")
            || (await agent.TableAsync("nft")).Rows.Any(r => r[1].StartsWith("hostports", StringComparison.Ordinal)) ? "limits or host ports are left over" : null);
        await Eventually.NoneAsync(agent.AppliedProblemAsync);
        Assert.Empty((await agent.TableAsync("drift")).Rows);
    }
}
