using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Selectors;
using Weft.Model.Services;
using Weft.Primitives;

namespace Weft.Scenarios;

/// <summary>What the EndpointSlice controller makes of a Service with a selector: a slice a family and resolved set of ports.</summary>
internal static class EndpointDerivation
{
    private static readonly bool[] BothFamilies = [false, true];

    public static IEnumerable<EndpointSlice> Slices(JsonObject manifest, Service service, IEnumerable<Workload> workloads, IReadOnlySet<ObjectKey> unready)
    {
        if (manifest["spec"]?["selector"] is not JsonObject { Count: > 0 } wanted)
            yield break;
        var selector = LabelSelector.Of([.. wanted.Select(p => (p.Key, p.Value!.GetValue<string>()))]);
        var pods = workloads
            .Where(w => w.Key.Namespace == service.Key.Namespace && selector.Matches(w.Labels) && w.Addresses.Count > 0)
            .OrderBy(w => w.Key)
            .ToList();
        // A headless Service has slices of the families that it would have addresses of; scenarios' ones have every family of their pods.
        foreach (var ipv6 in BothFamilies.Where(v6 => service.Headless || service.ClusterIPs.Any(a => IsIPv6(a) == v6)))
        {
            // Pods that a named target port resolves on differently go to slices of their own.
            foreach (var group in pods.GroupBy(p => Ports(manifest, service, p)))
            {
                var endpoints = group
                    .Where(p => p.Addresses.Any(a => IsIPv6(a) == ipv6))
                    .Select(p => new Endpoint(
                        [p.Addresses.First(a => IsIPv6(a) == ipv6)], !unready.Contains(p.Key), !unready.Contains(p.Key), false, p.Hostname, p.NodeName, p.Key))
                    .ToEquatableArray();
                if (endpoints.Count == 0)
                    continue;
                var name = $"{service.Key.Name}-{(ipv6 ? "v6" : "v4")}-{group.First().Key.Name}";
                yield return new EndpointSlice(new ObjectKey(service.Key.Namespace, name), service.Key.Name, ipv6, endpoints, group.Key);
            }
        }
    }

    private static EquatableArray<EndpointPort> Ports(JsonObject manifest, Service service, Workload pod)
    {
        var ports = new List<EndpointPort>();
        foreach (var (port, written) in service.Ports.Zip(manifest["spec"]!["ports"]!.AsArray()))
        {
            int? number = written!["targetPort"] switch
            {
                null => port.Port,
                JsonValue value when value.GetValueKind() == JsonValueKind.Number => (int)value.GetValue<long>(),
                JsonValue value => pod.Ports.FirstOrDefault(p => p.Name == value.GetValue<string>() && p.Protocol == port.Protocol)?.Port,
                _ => null,
            };
            if (number is { } resolved)
                ports.Add(new EndpointPort(port.Name, port.Protocol, resolved));
        }
        return ports.ToEquatableArray();
    }

    private static bool IsIPv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;
}
