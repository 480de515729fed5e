using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Services;

/// <summary>
/// What a Service keeps and loses when it is written anew (pkg/registry/core/service/strategy.go): addresses and ports that the server
/// gave stay when the client does not mention them, and go when the new type has no use for them.
/// </summary>
internal static class ServiceUpdates
{
    public static void PrepareForCreate(JsonObject service)
    {
        service["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };
        var spec = service.Ensure("spec");
        if (spec.Text("clusterIP") is { Length: > 0 } ip && spec.Array("clusterIPs") is not { Count: > 0 })
            spec["clusterIPs"] = new JsonArray(ip);
    }

    public static void PrepareForUpdate(JsonObject service, JsonObject old)
    {
        var spec = service.Ensure("spec");
        var before = old.Object("spec") ?? [];
        AlignClusterIps(spec, before);
        KeepAllocated(spec, before);
        DropUnused(spec, before);
    }

    public static bool NeedsClusterIp(JsonObject? spec) => spec.Text("type") != "ExternalName";

    public static bool NeedsNodePorts(JsonObject? spec) =>
        spec.Text("type") == "NodePort" || spec.Text("type") == "LoadBalancer" && (spec?["allocateLoadBalancerNodePorts"].AsFlag() ?? true);

    public static bool NeedsHealthCheckPort(JsonObject? spec) =>
        spec.Text("type") == "LoadBalancer" && spec.Text("externalTrafficPolicy") == "Local";

    public static bool IsHeadless(JsonObject? spec) => spec.Texts("clusterIPs").FirstOrDefault() == "None" || spec.Text("clusterIP") == "None";

    /// <summary>An old client changes clusterIP alone: the list follows it.</summary>
    private static void AlignClusterIps(JsonObject spec, JsonObject before)
    {
        var single = spec.Text("clusterIP") ?? "";
        var wasSingle = before.Text("clusterIP") ?? "";
        var sameList = spec.Texts("clusterIPs").SequenceEqual(before.Texts("clusterIPs"));
        if (single == wasSingle || !sameList)
        {
            if (single.Length > 0 && spec.Array("clusterIPs") is not { Count: > 0 } && wasSingle.Length == 0)
                spec["clusterIPs"] = new JsonArray(single);
            return;
        }
        if (single.Length == 0)
            spec.Remove("clusterIPs");
        else
            spec["clusterIPs"] = new JsonArray(single);
    }

    private static void KeepAllocated(JsonObject spec, JsonObject before)
    {
        if (NeedsClusterIp(spec) && NeedsClusterIp(before))
        {
            if (string.IsNullOrEmpty(spec.Text("clusterIP")) && spec.Array("clusterIPs") is not { Count: > 0 })
            {
                Copy(spec, before, "clusterIP");
                Copy(spec, before, "clusterIPs");
            }
            if (spec["ipFamilyPolicy"] is null)
                Copy(spec, before, "ipFamilyPolicy");
            if (spec.Array("ipFamilies") is not { Count: > 0 })
                Copy(spec, before, "ipFamilies");
        }
        if (NeedsNodePorts(spec) && NeedsNodePorts(before))
        {
            var taken = spec.Items("ports").Select(p => p.Item.Integer("nodePort") ?? 0).Where(n => n != 0).ToHashSet();
            foreach (var (_, port) in spec.Items("ports"))
            {
                if (port.Integer("nodePort") is not (null or 0))
                    continue;
                var same = before.Items("ports").Select(p => p.Item)
                    .FirstOrDefault(p => p.Integer("port") == port.Integer("port") && p.Text("protocol") == port.Text("protocol"));
                if (same.Integer("nodePort") is { } number && number != 0 && taken.Add(number))
                    port["nodePort"] = number;
            }
        }
        if (NeedsHealthCheckPort(spec) && NeedsHealthCheckPort(before) && spec.Integer("healthCheckNodePort") is null or 0)
            Copy(spec, before, "healthCheckNodePort");
    }

    /// <summary>Only what the client left as it was goes: a value it changed at the same time is its own mistake, and validation says so.</summary>
    private static void DropUnused(JsonObject spec, JsonObject before)
    {
        if (!NeedsClusterIp(spec) && NeedsClusterIp(before))
        {
            foreach (var field in (ReadOnlySpan<string>)["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"])
                DropIfSame(spec, before, field);
        }
        if (!NeedsNodePorts(spec) && NeedsNodePorts(before))
        {
            var old = before.Items("ports").Select(p => p.Item.Integer("nodePort")).ToHashSet();
            foreach (var (_, port) in spec.Items("ports"))
            {
                if (port.Integer("nodePort") is { } number && old.Contains(number))
                    port.Remove("nodePort");
            }
        }
        if (!NeedsHealthCheckPort(spec))
            DropIfSame(spec, before, "healthCheckNodePort");
        if (!ServiceDefaults.IsExternallyAccessible(spec))
            DropIfSame(spec, before, "externalTrafficPolicy");
        if (spec.Text("type") == "ExternalName")
            DropIfSame(spec, before, "internalTrafficPolicy");
        if (spec.Text("type") != "LoadBalancer")
        {
            DropIfSame(spec, before, "allocateLoadBalancerNodePorts");
            DropIfSame(spec, before, "loadBalancerClass");
        }
    }

    private static void DropIfSame(JsonObject spec, JsonObject before, string field)
    {
        if (JsonNode.DeepEquals(spec[field], before[field]))
            spec.Remove(field);
    }

    private static void Copy(JsonObject spec, JsonObject before, string field)
    {
        if (before[field] is { } value)
            spec[field] = value.DeepClone();
    }
}
