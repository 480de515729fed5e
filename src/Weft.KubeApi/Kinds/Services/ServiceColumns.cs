using System.Net;
using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Tables;

namespace Weft.KubeApi.Kinds.Services;

/// <summary>The tables of Services, Endpoints and EndpointSlices.</summary>
internal static class ServiceColumns
{
    private const int MaxEndpoints = 3;

    public static IReadOnlyList<TableColumn> Service { get; } =
    [
        Column.Name,
        Column.Text("Type", "How the Service is exposed.", obj => obj.Object("spec").Text("type")),
        Column.Text("Cluster-IP", "The IP address of the Service.", ClusterIp),
        Column.Text("External-IP", "Addresses outside of the cluster.", ExternalIp),
        Column.Text("Port(s)", "The list of ports that are exposed by this service.", Ports),
        Column.Age,
        Column.Wide("Selector", "Labels of the pods that traffic goes to.", obj => Column.Labels(obj.ObjectAt("spec", "selector"))),
    ];

    public static IReadOnlyList<TableColumn> Endpoints { get; } =
    [
        Column.Name,
        Column.Text("Endpoints", "The addresses and ports that are ready.", EndpointList),
        Column.Age,
    ];

    public static IReadOnlyList<TableColumn> EndpointSlice { get; } =
    [
        Column.Name,
        Column.Text("AddressType", "The type of address carried by this EndpointSlice.", obj => obj.Text("addressType")),
        Column.Text("Ports", "The ports exposed by each endpoint in this slice.", SlicePorts),
        Column.Text("Endpoints", "The addresses in this slice.", SliceAddresses),
        Column.Age,
    ];

    private static string ClusterIp(JsonObject service)
    {
        var spec = service.Object("spec");
        return spec.Text("clusterIP") is { Length: > 0 } ip ? ip : spec.Texts("clusterIPs").FirstOrDefault() ?? Column.None;
    }

    private static string ExternalIp(JsonObject service)
    {
        var spec = service.Object("spec");
        var external = spec.Texts("externalIPs").ToList();
        switch (spec.Text("type"))
        {
            case "ExternalName":
                return spec.Text("externalName") ?? Column.None;
            case "LoadBalancer":
                var balanced = service.ObjectAt("status", "loadBalancer").Items("ingress")
                    .Select(i => i.Item.Text("ip") is { Length: > 0 } ip ? ip : i.Item.Text("hostname")).Where(a => !string.IsNullOrEmpty(a)).ToList();
                return balanced.Count + external.Count == 0 ? "<pending>" : string.Join(",", balanced.Concat(external));
            default:
                return external.Count == 0 ? Column.None : string.Join(",", external);
        }
    }

    private static string Ports(JsonObject service)
    {
        var ports = service.Object("spec").Items("ports").Select(p => p.Item).Select(port =>
            port.Integer("nodePort") is { } nodePort and > 0
                ? $"{port.Integer("port")}:{nodePort}/{port.Text("protocol")}"
                : $"{port.Integer("port")}/{port.Text("protocol")}").ToList();
        return ports.Count == 0 ? Column.None : string.Join(",", ports);
    }

    private static string EndpointList(JsonObject endpoints)
    {
        var list = new List<string>();
        foreach (var (_, subset) in endpoints.Items("subsets"))
        {
            var addresses = subset.Items("addresses").Select(a => a.Item.Text("ip") ?? "");
            var ports = subset.Items("ports").Select(p => p.Item.Integer("port")).ToList();
            list.AddRange(ports.Count == 0
                ? addresses
                : ports.SelectMany(port => addresses.Select(ip => IPAddress.TryParse(ip, out var a) ? new IPEndPoint(a, (int)(port ?? 0)).ToString() : $"{ip}:{port}")));
        }
        return Shortened(list, Column.None);
    }

    private static string SliceAddresses(JsonObject slice) =>
        Shortened([.. slice.Items("endpoints").SelectMany(e => e.Item.Texts("addresses"))], "<unset>");

    private static string SlicePorts(JsonObject slice)
    {
        var ports = slice.Items("ports").Select(p => p.Item.Integer("port") is { } number ? $"{number}" : p.Item.Text("name") ?? "*").ToList();
        return Shortened(ports, "<unset>");
    }

    /// <summary>The first few, and how many more there are.</summary>
    private static string Shortened(List<string> items, string none) =>
        items.Count == 0 ? none
        : items.Count <= MaxEndpoints ? string.Join(",", items)
        : $"{string.Join(",", items.Take(MaxEndpoints))} + {items.Count - MaxEndpoints} more...";
}
