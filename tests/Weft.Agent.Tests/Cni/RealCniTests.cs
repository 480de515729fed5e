using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Weft.Agent.Cni;
using Weft.Agent.Ipam;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Routing;
using Weft.Kernel.Tests;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Cni;

/// <summary>ADD, CHECK and DEL in real namespaces, with packets; the routes that the agent's reconcilers would set are set by hand.</summary>
public sealed class RealCniTests : IDisposable
{
    private readonly RealNamespaces _namespaces = new();
    private readonly TemporaryDirectory _directory = new();
    private AddressStore? _store;

    public void Dispose()
    {
        _store?.Dispose();
        _namespaces.Dispose();
        _directory.Dispose();
    }

    private (CniOperations Operations, NetNamespace Node, RouteNetlink Netlink) Start()
    {
        var (node, netlink) = _namespaces.Add();
        netlink.ExecuteAll(
            new AddAddress(new LinkAddress("lo", IPAddress.Parse("172.30.0.11"), 32)),
            new AddAddress(new LinkAddress("lo", IPAddress.Parse("fd00:30::11"), 128)));
        _store = AddressStore.Open(_directory.Path, TimeProvider.System);
        _store.SetCidrs("n1", [IpPrefix.Parse("10.244.1.0/24"), IpPrefix.Parse("fd00:244:0:1::/64")]);
        var operations = new CniOperations(
            _store, new RoutesByHand(netlink), new KernelPodNetwork(node, netlink), new CniServerOptions("/unused", () => 1430, () => null, _ => { }));
        return (operations, node, netlink);
    }

    private static async Task<(bool Failed, JsonNode? Output)> Call(CniOperations operations, CniCommand command, string container, string netns, string extra = "")
    {
        var response = await operations.HandleAsync(
            new AgentRequest(
                new CniEnvironment(command, container, netns, "eth0", "", ""),
                Encoding.UTF8.GetBytes($$"""{"cniVersion":"1.1.0","name":"weft","type":"weft-cni"{{extra}}}""")),
            CancellationToken.None);
        return (response.Failed, response.Output.IsEmpty ? null : JsonNode.Parse(response.Output.Span));
    }

    [SkippableFact]
    public async Task A_pod_talks_with_its_node_and_with_another_pod_in_both_families()
    {
        var (operations, node, netlink) = Start();
        var (podA, insideA) = _namespaces.Add();
        var (podB, _) = _namespaces.Add();
        var (failed, result) = await Call(operations, CniCommand.Add, "a", podA.Path);
        Assert.False(failed, result?.ToJsonString());
        var (failedB, resultB) = await Call(operations, CniCommand.Add, "b", podB.Path);
        Assert.False(failedB, resultB?.ToJsonString());

        Assert.Equal(1430, insideA.FindLink("eth0")!.Mtu);
        Assert.True(RealNamespaces.Exchange(podA, node, IPAddress.Parse("172.30.0.11")));
        Assert.True(RealNamespaces.Exchange(podA, node, IPAddress.Parse("fd00:30::11")));
        Assert.True(RealNamespaces.Exchange(node, podA, IPAddress.Parse("10.244.1.1")));
        node.Run(() =>
        {
            File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1");
            File.WriteAllText("/proc/sys/net/ipv6/conf/all/forwarding", "1");
        });
        Assert.True(RealNamespaces.Exchange(podA, podB, IPAddress.Parse("10.244.1.2")));
        Assert.True(RealNamespaces.Exchange(podB, podA, IPAddress.Parse("fd00:244:0:1::1")));
        // "lo up": the pod reaches itself.
        Assert.True(RealNamespaces.Exchange(podA, podA, IPAddress.Loopback));

        var previous = $",\"prevResult\":{result!.ToJsonString()}";
        Assert.False((await Call(operations, CniCommand.Check, "a", podA.Path, previous)).Failed);
        insideA.ExecuteAll(new DeleteRoute(new Route(IpPrefix.AllIPv4, "eth0", PodGateway.IPv4, OnLink: true)));
        var (checkFailed, problem) = await Call(operations, CniCommand.Check, "a", podA.Path, previous);
        Assert.True(checkFailed);
        Assert.Contains("0.0.0.0/0 via 169.254.1.1 on eth0 is missing", (string?)problem!["msg"], StringComparison.Ordinal);

        Assert.False((await Call(operations, CniCommand.Del, "a", podA.Path)).Failed);
        Assert.False((await Call(operations, CniCommand.Del, "b", podB.Path)).Failed);
        Assert.Null(insideA.FindLink("eth0"));
        Assert.DoesNotContain(netlink.Links(), l => l.Kind == "veth");
    }

    [SkippableFact]
    public async Task A_name_that_is_taken_in_the_namespace_fails_add_and_leaves_nothing()
    {
        var (operations, _, netlink) = Start();
        var (pod, inside) = _namespaces.Add();
        inside.ExecuteAll(new AddBridge("eth0"));
        var (failed, error) = await Call(operations, CniCommand.Add, "a", pod.Path);
        Assert.True(failed);
        Assert.Equal(CniErrorCode.InvalidEnvironment, (int?)error!["code"]);
        Assert.Contains("CNI_IFNAME: an interface eth0 exists already", (string?)error["msg"], StringComparison.Ordinal);
        Assert.DoesNotContain(netlink.Links(), l => l.Kind == "veth");
        Assert.Empty(_store!.Attachments);
        Assert.Equal("bridge", inside.FindLink("eth0")!.Kind);
    }

    [SkippableFact]
    public async Task The_node_s_own_namespace_and_what_is_no_namespace_are_refused()
    {
        var (operations, node, _) = Start();
        foreach (var path in new[] { node.Path, _directory.File("none"), "/etc/passwd", "/proc/self/ns/mnt" })
        {
            var (failed, error) = await Call(operations, CniCommand.Add, "a", path);
            Assert.True(failed);
            Assert.Equal(CniErrorCode.InvalidEnvironment, (int?)error!["code"]);
            Assert.Contains(path, (string?)error["msg"], StringComparison.Ordinal);
        }
        Assert.Empty(_store!.Attachments);
    }

    // SPEC.md 1.1.0 section 2, "CHECK": every resource that ADD made, one after another; what later plugins may add does no harm.
    [SkippableFact]
    public async Task Check_finds_each_thing_that_is_changed_in_the_kernel_and_nothing_else()
    {
        var (operations, _, netlink) = Start();
        var (pod, inside) = _namespaces.Add();
        var (failed, result) = await Call(operations, CniCommand.Add, "a", pod.Path);
        Assert.False(failed, result?.ToJsonString());
        var host = (string)result!["interfaces"]![0]!["name"]!;
        var previous = $",\"prevResult\":{result.ToJsonString()}";

        inside.ExecuteAll(new AddAddress(new LinkAddress("eth0", IPAddress.Parse("192.0.2.9"), 24)));
        inside.ExecuteAll(new ReplaceRoute(new Route(IpPrefix.Parse("198.51.100.0/24"), "eth0", IPAddress.Parse("192.0.2.1"), OnLink: true)));
        pod.Run(() => File.WriteAllText("/proc/sys/net/ipv4/conf/eth0/rp_filter", "0"));
        var (checkFailed, problem) = await Call(operations, CniCommand.Check, "a", pod.Path, previous);
        Assert.False(checkFailed, problem?.ToJsonString());
        var (again, taken) = await Call(operations, CniCommand.Add, "a", pod.Path);
        Assert.True(again);
        Assert.Equal(CniErrorCode.InvalidEnvironment, (int?)taken!["code"]);

        await Finds("the neighbor entry of 169.254.1.1", () => inside.ExecuteAll(new DeleteNeighbor("eth0", PodGateway.IPv4)));
        await Finds("the address 10.244.1.1 is missing", () => inside.ExecuteAll(new DeleteAddress(new LinkAddress("eth0", IPAddress.Parse("10.244.1.1"), 32))));
        await Finds("has the MTU 1300 instead of 1430", () => inside.ExecuteAll(new SetLink("eth0", Mtu: 1300)));
        await Finds($"the node's end {host} is down", () => netlink.ExecuteAll(new SetLink(host, Up: false)));
        await Finds("the interface eth0 is down", () => inside.ExecuteAll(new SetLink("eth0", Up: false)));
        await Finds($"the node's end {host} is missing", () => netlink.ExecuteAll(new DeleteLink(host)));
        Assert.False((await Call(operations, CniCommand.Del, "a", pod.Path)).Failed);
        Assert.Empty(_store!.Attachments);

        async Task Finds(string words, Action change)
        {
            change();
            var (found, error) = await Call(operations, CniCommand.Check, "a", pod.Path, previous);
            Assert.True(found, $"CHECK does not see: {words}");
            Assert.Contains(words, (string?)error!["msg"], StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task IPv6_is_switched_on_where_the_runtime_has_switched_it_off()
    {
        var (operations, node, _) = Start();
        var (pod, _) = _namespaces.Add();
        pod.Run(() =>
        {
            File.WriteAllText("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
            File.WriteAllText("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        });
        var (failed, result) = await Call(operations, CniCommand.Add, "a", pod.Path);
        Assert.False(failed, result?.ToJsonString());
        Assert.True(RealNamespaces.Exchange(pod, node, IPAddress.Parse("fd00:30::11")));
    }
}
