using System.Net;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Policy;
using Weft.Model.Selectors;
using Weft.Model.Services;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Tests;

/// <summary>Small clusters for tests: nodes n1, n2, ... at 172.30.0.11 and on, each with a /24 of 10.244.0.0/16.</summary>
internal sealed class ClusterBuilder
{
    public ClusterSnapshot Snapshot { get; private set; }

    public ClusterBuilder(ClusterSnapshot? from = null) => Snapshot = from ?? ClusterSnapshot.Empty;

    public static NodeConfig Config(string node, bool dual = false) => new(
        node,
        dual ? [IpPrefix.Parse("10.244.0.0/16"), IpPrefix.Parse("fd00:244::/56")] : [IpPrefix.Parse("10.244.0.0/16")],
        dual ? [IpPrefix.Parse("10.96.0.0/16"), IpPrefix.Parse("fd00:96::/112")] : [IpPrefix.Parse("10.96.0.0/16")],
        [IPAddress.Parse("10.96.0.10")],
        "cluster.local",
        "eth0",
        1500);

    public static EquatableArray<IPAddress> Ips(params string[] addresses) => addresses.Select(IPAddress.Parse).ToEquatableArray();

    public ClusterBuilder Node(string name, string[] addresses, params string[] podCidrs)
    {
        var node = new Node(name, Ips(addresses), podCidrs.Select(IpPrefix.Parse).ToEquatableArray(), Labels.Empty, true);
        Snapshot = Snapshot with { Nodes = Snapshot.Nodes.SetItem(name, node) };
        return this;
    }

    public ClusterBuilder Nodes(int count)
    {
        for (var i = 1; i <= count; i++)
            Node($"n{i}", [$"172.30.0.{10 + i}"], $"10.244.{i}.0/24");
        return this;
    }

    public ClusterBuilder Namespace(string name, params (string, string)[] labels)
    {
        (string, string)[] all = [("kubernetes.io/metadata.name", name), .. labels];
        Snapshot = Snapshot with { Namespaces = Snapshot.Namespaces.SetItem(name, new Namespace(name, Labels.Of(all))) };
        return this;
    }

    public ClusterBuilder Pod(string key, string node, string address, params (string, string)[] labels) =>
        Pod(key, node, [address], labels, []);

    public ClusterBuilder Pod(string key, string node, string[] addresses, (string, string)[] labels, NamedPort[] ports)
    {
        var parts = key.Split('/');
        var workload = new Workload(new ObjectKey(parts[0], parts[1]), "uid-" + key, node, Labels.Of(labels), Ips(addresses), false, [.. ports]);
        Snapshot = Snapshot with { Workloads = Snapshot.Workloads.SetItem(workload.Key, workload) };
        return this;
    }

    public ClusterBuilder Attach(string? key, string address, string? uid = null)
    {
        var parts = key?.Split('/');
        var id = "c-" + address;
        var attachment = new Attachment(
            id, "eth0", parts is null ? null : new ObjectKey(parts[0], parts[1]), uid, Ips(address),
            "weft" + address.Replace('.', '-'), "02:00:00:00:00:01", "/var/run/netns/" + address);
        Snapshot = Snapshot with { Attachments = Snapshot.Attachments.SetItem(attachment.Key, attachment) };
        return this;
    }

    public ClusterBuilder Service(Service service, params (string Address, string Node, bool Ready)[] endpoints)
    {
        Snapshot = Snapshot with { Services = Snapshot.Services.SetItem(service.Key, service) };
        var slice = new EndpointSlice(
            new ObjectKey(service.Key.Namespace, service.Key.Name + "-1"),
            service.Key.Name,
            false,
            endpoints.Select(e => new Endpoint(Ips(e.Address), e.Ready, e.Ready, false, null, e.Node, null)).ToEquatableArray(),
            service.Ports.Select(p => new EndpointPort(p.Name, p.Protocol, 8080)).ToEquatableArray());
        Snapshot = Snapshot with { EndpointSlices = Snapshot.EndpointSlices.SetItem(slice.Key, slice) };
        return this;
    }

    public ClusterBuilder Policy(NetworkPolicy policy)
    {
        Snapshot = Snapshot with { Policies = Snapshot.Policies.SetItem(policy.Key, policy) };
        return this;
    }

    public DesiredState Compile(string node = "n1", bool dual = false) => NodeCompiler.Compile(Config(node, dual), Snapshot);

    public static Service Web(string clusterIP = "10.96.0.5", int port = 80, int nodePort = 0) => new(
        new ObjectKey("default", "web"), nodePort > 0 ? ServiceType.NodePort : ServiceType.ClusterIP, Ips(clusterIP),
        [new ServicePort("http", Protocol.Tcp, port, nodePort)], Headless: false);

}
