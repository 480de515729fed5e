using System.Net;
using Weft.Kubernetes.Api;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Selectors;
using Weft.Primitives;

namespace Weft.Kubernetes.Convert;

/// <summary>core/v1 Node to <see cref="Node"/>.</summary>
public static class NodeConverter
{
    /// <summary>Addresses and prefixes that do not parse are left out; the routing compiler reports a node without them.</summary>
    public static Node Convert(ApiNode node) => new(
        node.Metadata?.Name ?? "",
        (node.Status?.Addresses ?? []).Where(a => a.Type == "InternalIP").Select(a => a.Address).ParseAddresses(),
        (node.Spec?.PodCIDRs is { Count: > 0 } many ? many : node.Spec?.PodCIDR is { Length: > 0 } one ? [one] : [])
            .Select(text => IpPrefix.TryParse(text, strict: false, out var prefix) ? prefix : (IpPrefix?)null)
            .OfType<IpPrefix>().ToEquatableArray(),
        Labels.From(node.Metadata?.Labels),
        node.Status?.Conditions?.Any(c => c is { Type: "Ready", Status: "True" }) ?? false)
    {
        NetworkUnavailable = node.Status?.Conditions?.FirstOrDefault(c => c.Type == "NetworkUnavailable")?.Status switch
        {
            "True" => true,
            "False" => false,
            _ => null,
        },
        AwaitsAgent = node.Spec?.Taints?.Any(t => t.Key == AgentTaint.Key) ?? false,
    };
}

public static class NamespaceConverter
{
    public static Namespace Convert(ApiNamespace ns) => new(ns.Metadata?.Name ?? "", Labels.From(ns.Metadata?.Labels))
    {
        Annotations = OwnAnnotations.Of(ns.Metadata),
    };
}

/// <summary>core/v1 Pod to <see cref="Workload"/>.</summary>
public static class WorkloadConverter
{
    public static Workload Convert(ApiPod pod)
    {
        var ended = pod.Status?.Phase is "Succeeded" or "Failed";
        var addresses = pod.Status?.PodIPs is { Count: > 0 } ips ? ips.Select(ip => ip.Ip) : [pod.Status?.PodIP ?? ""];
        return new Workload(
            new ObjectKey(pod.Metadata?.Namespace ?? "", pod.Metadata?.Name ?? ""),
            UidOnNode(pod.Metadata),
            pod.Spec?.NodeName ?? "",
            Labels.From(pod.Metadata?.Labels),
            ended ? [] : addresses.ParseAddresses(),
            pod.Spec?.HostNetwork ?? false,
            Ports(pod.Spec),
            pod.Spec?.Hostname,
            pod.Spec?.Subdomain)
        {
            HostPorts = pod.Spec?.HostNetwork == true ? [] : HostPorts(pod.Spec),
            Annotations = OwnAnnotations.Of(pod.Metadata),
            Ended = ended,
        };
    }

    private static EquatableArray<PortMapping> HostPorts(ApiPodSpec? spec) =>
        (spec?.Containers ?? [])
        .Concat((spec?.InitContainers ?? []).Where(c => c.RestartPolicy == "Always"))
        .SelectMany(c => c.Ports ?? [])
        .Where(p => p.HostPort > 0 && ProtocolConverter.TryConvert(p.Protocol) is not null)
        .Select(p => new PortMapping(
            ProtocolConverter.TryConvert(p.Protocol)!.Value, p.HostPort, p.ContainerPort, IPAddress.TryParse(p.HostIP, out var address) ? address : null))
        .ToEquatableArray();

    // A static pod's object in the API is a mirror with a UID of its own; the annotation has the UID that kubelet and runtime know the pod by.
    private static string UidOnNode(ApiMetadata? metadata) =>
        metadata?.Annotations?.GetValueOrDefault("kubernetes.io/config.mirror") is { Length: > 0 } mirrored ? mirrored : metadata?.Uid ?? "";

    private static EquatableArray<NamedPort> Ports(ApiPodSpec? spec) =>
        (spec?.Containers ?? [])
        .Concat((spec?.InitContainers ?? []).Where(c => c.RestartPolicy == "Always"))
        .SelectMany(c => c.Ports ?? [])
        .Where(p => p.Name is { Length: > 0 } && ProtocolConverter.TryConvert(p.Protocol) is not null)
        .Select(p => new NamedPort(p.Name!, p.ContainerPort, ProtocolConverter.TryConvert(p.Protocol)!.Value))
        .ToEquatableArray();
}

/// <summary>What is kept of an object's annotations: those of weft.dev. Others are many and large.</summary>
internal static class OwnAnnotations
{
    public static Labels Of(ApiMetadata? metadata) =>
        Labels.From(metadata?.Annotations?.Where(a => a.Key.StartsWith(IpamAnnotations.Prefix, StringComparison.Ordinal)));
}

internal static class AddressParsing
{
    public static EquatableArray<IPAddress> ParseAddresses(this IEnumerable<string> texts) =>
        texts.Select(text => IPAddress.TryParse(text, out var address) ? address : null).OfType<IPAddress>().ToEquatableArray();
}
