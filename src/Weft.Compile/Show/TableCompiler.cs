using System.Globalization;
using System.Net;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Policy;
using Weft.Model.Routing;
using Weft.Model.Services;
using Weft.Model.Tables;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Show;

/// <summary>The cluster as tables for people: pure functions of the snapshot and the compiled state.</summary>
public static class TableCompiler
{
    public static ShowTable Nodes(ClusterSnapshot cluster) => Table(
        "nodes",
        ["NAME", "ADDRESSES", "POD CIDRS", "READY"],
        cluster.Nodes.Values.OrderBy(n => n.Name, StringComparer.Ordinal)
            .Select(n => Row(n.Name, Join(n.Addresses), Join(n.PodCidrs), n.Ready ? "yes" : "no")));

    /// <summary>Each pod with the policies that isolate it.</summary>
    public static ShowTable Pods(ClusterSnapshot cluster) => Table(
        "pods",
        ["NAMESPACE", "NAME", "NODE", "ADDRESSES", "INGRESS ISOLATED BY", "EGRESS ISOLATED BY"],
        cluster.Workloads.Values.OrderBy(w => w.Key)
            .Select(w => Row(
                w.Key.Namespace,
                w.Key.Name,
                w.NodeName,
                w.HostNetwork ? "host" : Join(w.Addresses),
                Join(Isolating(cluster, w, p => p.IsolatesIngress)),
                Join(Isolating(cluster, w, p => p.IsolatesEgress)))));

    /// <summary>One row a Service port, with its ready backends.</summary>
    public static ShowTable Services(ClusterSnapshot cluster)
    {
        var slices = cluster.EndpointSlices.Values.ToLookup(s => new ObjectKey(s.Key.Namespace, s.Service));
        return Table(
            "services",
            ["NAMESPACE", "NAME", "TYPE", "ADDRESSES", "PORT", "NODE PORT", "BACKENDS"],
            cluster.Services.Values.OrderBy(s => s.Key).SelectMany(s => ServiceRows(s, slices[s.Key])));
    }

    /// <summary>A policy is in force when the kernel was brought in line with a snapshot that holds it as it is now.</summary>
    /// <param name="applied">The snapshot last applied; null while there is none.</param>
    public static ShowTable Policies(ClusterSnapshot cluster, ClusterSnapshot? applied) => Table(
        "policies",
        ["NAMESPACE", "NAME", "DIRECTIONS", "PODS", "RULES", "STATUS"],
        cluster.Policies.Values.OrderBy(p => p.Key)
            .Select(p => Row(
                p.Key.Namespace,
                p.Key.Name,
                (p.IsolatesIngress, p.IsolatesEgress) switch { (true, true) => "ingress, egress", (true, false) => "ingress", (false, true) => "egress", _ => "none" },
                Count(cluster.Workloads.Values.Count(w => Selects(p, w))),
                Count(p.Ingress.Count + p.Egress.Count),
                p.Invalid is not null ? $"fails closed: {p.Invalid}" : p.Equals(applied?.Policies.GetValueOrDefault(p.Key)) ? "in force" : "pending")));

    /// <summary>Ports of this node that lead to containers.</summary>
    public static ShowTable HostPorts(ClusterSnapshot cluster) => Table(
        "hostports",
        ["ADDRESS", "PORT", "CONTAINER PORT", "TO", "HOLDER"],
        cluster.Attachments.Values.SelectMany(a => a.PortMappings.Select(m => (Attachment: a, Mapping: m)))
            .OrderBy(x => x.Mapping.HostPort).ThenBy(x => x.Mapping.Protocol).ThenBy(x => x.Mapping.HostIp?.ToString(), StringComparer.Ordinal)
            .Select(x => Row(
                x.Mapping.HostIp?.ToString() ?? "any",
                $"{x.Mapping.HostPort}/{x.Mapping.Protocol.ToString().ToUpperInvariant()}",
                Count(x.Mapping.ContainerPort),
                Join(x.Attachment.Addresses),
                x.Attachment.Pod?.ToString() ?? $"{x.Attachment.Network}/{x.Attachment.ContainerId}")));

    public static ShowTable Routes(RoutingState routing) => Table(
        "routes",
        ["DESTINATION", "VIA", "LINK", "SOURCE"],
        routing.Routes.OrderBy(r => r.Destination).ThenBy(r => r.Link, StringComparer.Ordinal)
            .Select(r => Row(r.Destination.ToString(), r.Gateway?.ToString() ?? "", r.Link, r.Source?.ToString() ?? "")));

    private static IEnumerable<EquatableArray<string>> ServiceRows(Service service, IEnumerable<EndpointSlice> slices)
    {
        var addresses = service.Type == ServiceType.ExternalName ? service.ExternalName ?? "" : service.Headless ? "headless" : Join(service.ClusterIPs);
        var list = slices.OrderBy(s => s.Key).ToList();
        if (service.Ports.IsEmpty)
            yield return Row(service.Key.Namespace, service.Key.Name, service.Type.ToString(), addresses, "", "", "");
        foreach (var port in service.Ports)
        {
            var backends = list.SelectMany(s => s.Ports.Where(p => p.Name == port.Name && p.Protocol == port.Protocol)
                .SelectMany(p => s.Endpoints.Where(e => e.Ready).SelectMany(e => e.Addresses.Select(a => new IPEndPoint(a, p.Port).ToString()))));
            yield return Row(
                service.Key.Namespace,
                service.Key.Name,
                service.Type.ToString(),
                addresses,
                $"{port.Port}/{port.Protocol.ToString().ToUpperInvariant()}",
                port.NodePort > 0 ? Count(port.NodePort) : "",
                Join(backends.Distinct().Order(StringComparer.Ordinal)));
        }
    }

    private static IEnumerable<string> Isolating(ClusterSnapshot cluster, Workload workload, Func<NetworkPolicy, bool> direction) =>
        cluster.Policies.Values.Where(p => direction(p) && Selects(p, workload)).Select(p => p.Key.Name).Order(StringComparer.Ordinal);

    private static bool Selects(NetworkPolicy policy, Workload workload) =>
        !workload.HostNetwork && policy.Key.Namespace == workload.Key.Namespace && policy.PodSelector.Matches(workload.Labels);

    private static string Count(int count) => count.ToString(CultureInfo.InvariantCulture);

    private static string Join<T>(IEnumerable<T> items) => string.Join(", ", items);

    private static EquatableArray<string> Row(params ReadOnlySpan<string> cells) => new([.. cells]);

    private static ShowTable Table(string name, EquatableArray<string> columns, IEnumerable<EquatableArray<string>> rows) =>
        new(name, columns, rows.ToEquatableArray());
}
