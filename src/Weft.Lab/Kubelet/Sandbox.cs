using System.Text.Json.Nodes;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Routing;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>A pod's network: its namespace with what CNI put into it, or the node's own for hostNetwork.</summary>
internal sealed record Sandbox(string NetNsPath, IReadOnlyList<string> Ips, CniNetwork? Network, CniAttachment? Attachment)
{
    /// <exception cref="CniException">The network is not there or refused.</exception>
    /// <exception cref="Weft.Kernel.KernelException">The namespace cannot be made.</exception>
    public static async Task<Sandbox> CreateAsync(JsonObject pod, NodeContext node, CancellationToken cancel)
    {
        if (pod.Flag("spec", "hostNetwork"))
            return new Sandbox(NetNamespace.PathOf(node.Paths.NodeNamespace(node.Node.Name)), node.HostIps, null, null);
        var network = CniNetwork.Load(node.CniConfDir)
            ?? throw new CniException($"no network configuration in {node.CniConfDir}: the node's agent has not written one yet");
        string name = node.Paths.PodNamespace(pod.Uid());
        NetNamespace.Delete(name);
        using var space = NetNamespace.Create(name);
        using (var netlink = RouteNetlink.Open(space))
            netlink.ExecuteAll(new SetLink("lo", Up: true));
        string id = pod.Uid().Replace("-", "", StringComparison.Ordinal);
        var attachment = new CniAttachment(id, NetNamespace.PathOf(name), "eth0",
        [
            new("IgnoreUnknown", "1"),
            new("K8S_POD_NAMESPACE", pod.Namespace()),
            new("K8S_POD_NAME", pod.Name()),
            new("K8S_POD_INFRA_CONTAINER_ID", id),
            new("K8S_POD_UID", pod.Uid()),
        ], Capabilities(pod));
        try
        {
            var result = await node.Cni.AddAsync(network, attachment, cancel);
            var ips = result.Items("ips").Select(i => i.Str("address")?.Split('/')[0]).OfType<string>().ToList();
            if (ips.Count == 0)
                throw new CniException($"network {network.Name}: the result of ADD holds no address");
            bool v6First = node.Node.Addresses[0].AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
            return new Sandbox(attachment.NetNs, [.. ips.OrderBy(i => i.Contains(':') != v6First)], network, attachment);
        }
        catch
        {
            NetNamespace.Delete(name);
            throw;
        }
    }

    /// <summary>What the runtime offers to plugins with the capability (CNI conventions, "Dynamic plugin specific fields").</summary>
    /// <exception cref="CniException">An annotation cannot be read.</exception>
    internal static JsonObject Capabilities(JsonObject pod)
    {
        var mappings = pod.Items("spec", "containers").SelectMany(c => c.Items("ports")).Where(p => p.Num("hostPort") is > 0)
            .Select(p => new JsonObject
            {
                ["hostPort"] = p.Num("hostPort"),
                ["containerPort"] = p.Num("containerPort"),
                ["protocol"] = (p.Str("protocol") ?? "TCP").ToLowerInvariant(),
                ["hostIP"] = p.Str("hostIP") ?? "",
            });
        var capabilities = new JsonObject { ["portMappings"] = mappings.ToJsonArray() };
        var bandwidth = new JsonObject();
        foreach (var direction in (ReadOnlySpan<string>)["ingress", "egress"])
        {
            if (Rate(pod, direction) is not { } rate)
                continue;
            bandwidth[direction + "Rate"] = rate;
            // Annotations know no burst; containerd says the greatest number of 32 bits.
            bandwidth[direction + "Burst"] = uint.MaxValue;
        }
        if (bandwidth.Count > 0)
            capabilities["bandwidth"] = bandwidth;
        return capabilities;
    }

    /// <summary>Bits a second, between the bounds that Kubernetes gives them (pkg/util/bandwidth).</summary>
    private static long? Rate(JsonObject pod, string direction)
    {
        string annotation = $"kubernetes.io/{direction}-bandwidth";
        if (pod.At("metadata", "annotations", annotation) is not { } value)
            return null;
        decimal rate = Quantities.Parse(value);
        return rate is >= 1_000 and <= 1_000_000_000_000_000
            ? (long)rate
            : throw new CniException($"annotation {annotation} is '{value}': give bits a second from 1k to 1P, such as 10M");
    }

    /// <summary>Detaches and removes the namespace. Repeatable.</summary>
    /// <exception cref="CniException">A plugin refused; nothing but the attachment is left, and it may be tried again.</exception>
    public async Task RemoveAsync(NodeContext node, CancellationToken cancel)
    {
        if (Network is null || Attachment is null)
            return;
        await node.Cni.DelAsync(Network, Attachment, cancel);
        NetNamespace.Delete(Path.GetFileName(Attachment.NetNs));
    }
}
