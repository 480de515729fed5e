using System.Text.Json.Nodes;
using Weft.Lab.Objects;

namespace Weft.Lab.Controllers;

/// <summary>What the slices of a Service must hold, as a pure function of the Service, its pods and their nodes.</summary>
internal static class EndpointSlices
{
    /// <summary>Endpoints a slice (kube-controller-manager's --max-endpoints-per-slice).</summary>
    public const int MostEndpoints = 100;

    /// <summary>Endpoints that share a family and port numbers, in order of their pods' names.</summary>
    public sealed record Group(string AddressType, JsonArray Ports, IReadOnlyList<JsonObject> Endpoints);

    public static IReadOnlyList<Group> Compute(JsonObject service, IEnumerable<JsonObject> pods, Func<string, JsonObject?> node)
    {
        var selector = service.Obj("spec", "selector");
        var selected = pods.Where(p => LabelSelectors.MatchesMap(selector, p.Obj("metadata", "labels")) && HasAddress(p))
            .OrderBy(p => p.Name(), StringComparer.Ordinal).ToList();
        var groups = new List<Group>();
        foreach (string family in Families(service))
        {
            var byPorts = new Dictionary<string, (JsonArray Ports, List<JsonObject> Endpoints)>(StringComparer.Ordinal);
            foreach (var pod in selected)
            {
                string? address = Addresses(pod).FirstOrDefault(a => a.Contains(':') == (family == "IPv6"));
                if (address is null)
                    continue;
                var ports = Ports(service, pod);
                string key = ports.ToJsonString();
                if (!byPorts.TryGetValue(key, out var group))
                    byPorts[key] = group = (ports, []);
                group.Endpoints.Add(Endpoint(service, pod, address, node));
            }

            // A Service without pods still has one empty slice, which says that it is known.
            if (byPorts.Count == 0)
                byPorts[""] = ([], []);
            groups.AddRange(byPorts.OrderBy(g => g.Key, StringComparer.Ordinal)
                .SelectMany(g => g.Value.Endpoints.Chunk(MostEndpoints).DefaultIfEmpty([]).Select(c => new Group(family, (JsonArray)g.Value.Ports.DeepClone(), c))));
        }

        return groups;
    }

    private static List<string> Families(JsonObject service)
    {
        var families = service.Strings("spec", "ipFamilies").ToList();
        return families.Count > 0 ? families : ["IPv4"];
    }

    private static List<string> Addresses(JsonObject pod)
    {
        var many = pod.Items("status", "podIPs").Select(i => i.Str("ip")).OfType<string>().ToList();
        return many.Count > 0 ? many : pod.Str("status", "podIP") is { Length: > 0 } one ? [one] : many;
    }

    private static bool HasAddress(JsonObject pod) => !PodTemplates.IsOver(pod) && Addresses(pod).Count > 0;

    /// <summary>Named target ports may stand for different numbers in different pods; a name that a pod lacks leaves the port out.</summary>
    private static JsonArray Ports(JsonObject service, JsonObject pod)
    {
        var ports = new JsonArray();
        foreach (var port in service.Items("spec", "ports"))
        {
            string protocol = port.Str("protocol") ?? "TCP";
            if (TargetPort(port, protocol, pod) is not { } number)
                continue;
            var entry = new JsonObject { ["name"] = port.Str("name") ?? "", ["port"] = number, ["protocol"] = protocol };
            if (port.Str("appProtocol") is { } application)
                entry["appProtocol"] = application;
            ports.Add((JsonNode)entry);
        }

        return ports;
    }

    private static long? TargetPort(JsonObject port, string protocol, JsonObject pod)
    {
        var target = port["targetPort"];
        if (target.Num() is { } number and not 0)
            return number;
        if (target.AsText() is not { Length: > 0 } name)
            return port.Num("port");
        if (long.TryParse(name, out long text))
            return text;
        var containers = pod.Items("spec", "containers").Concat(pod.Items("spec", "initContainers").Where(c => c.Str("restartPolicy") == "Always"));
        return containers.SelectMany(c => c.Items("ports"))
            .FirstOrDefault(p => p.Str("name") == name && (p.Str("protocol") ?? "TCP") == protocol).Num("containerPort");
    }

    private static JsonObject Endpoint(JsonObject service, JsonObject pod, string address, Func<string, JsonObject?> node)
    {
        bool serving = PodTemplates.IsReady(pod) || service.Flag("spec", "publishNotReadyAddresses");
        bool terminating = pod.IsDeleting();
        string nodeName = pod.Str("spec", "nodeName") ?? "";
        var endpoint = new JsonObject
        {
            ["addresses"] = new JsonArray(address),
            ["conditions"] = new JsonObject
            {
                ["ready"] = service.Flag("spec", "publishNotReadyAddresses") || (serving && !terminating),
                ["serving"] = serving,
                ["terminating"] = terminating,
            },
            ["nodeName"] = nodeName,
            ["targetRef"] = new JsonObject { ["kind"] = "Pod", ["namespace"] = pod.Namespace(), ["name"] = pod.Name(), ["uid"] = pod.Uid() },
        };
        if (node(nodeName)?.Label("topology.kubernetes.io/zone") is { } zone)
            endpoint["zone"] = zone;
        // A pod gets a name of its own under a headless Service that is its subdomain (DNS specification 1.1, section 2.4).
        if (pod.Str("spec", "hostname") is { Length: > 0 } host && pod.Str("spec", "subdomain") == service.Name())
            endpoint["hostname"] = host;
        return endpoint;
    }
}
