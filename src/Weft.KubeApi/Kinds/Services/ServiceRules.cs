using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Services;

/// <summary>Validation of Services (pkg/apis/core/validation, ValidateService).</summary>
internal static class ServiceRules
{
    private const long MaxAffinitySeconds = 24 * 60 * 60;

    public static void Validate(JsonObject service, JsonObject? old, Errors errors)
    {
        var spec = service.Object("spec");
        if (spec is null)
        {
            errors.Required("spec");
            return;
        }
        var type = spec.Text("type");
        if (type == "ExternalName")
            ExternalName(spec, errors);
        else if (!ServiceUpdates.IsHeadless(spec) && spec.Array("ports") is not { Count: > 0 })
            errors.Required("spec.ports");
        if (type is "LoadBalancer" or "NodePort" && ServiceUpdates.IsHeadless(spec))
            errors.Invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for " + type + " services");
        Ports(spec, errors);
        SelectorChecks.Labels(spec.Object("selector"), "spec.selector", errors);
        Affinity(spec, errors);
        ClusterIps(spec, errors);
        var i = 0;
        foreach (var ip in spec.Texts("externalIPs"))
            ExternalIp(ip, $"spec.externalIPs[{i++}]", errors);
        i = 0;
        foreach (var range in spec.Texts("loadBalancerSourceRanges"))
        {
            if (!Names.TryCidr(range.Trim(), out _))
                errors.Invalid($"spec.loadBalancerSourceRanges[{i}]", range, Names.BadCidr);
            i++;
        }
        TrafficPolicies(spec, errors);
        if (old is not null)
            Update(spec, old.Object("spec"), errors);
    }

    private static void ExternalName(JsonObject spec, Errors errors)
    {
        if (spec.Array("clusterIPs") is { Count: > 0 } ips)
            errors.Forbidden("spec.clusterIPs", $"may not be set when `type` is 'ExternalName' (found {ips.ToJsonString()})");
        if (spec.Array("ipFamilies") is { Count: > 0 })
            errors.Forbidden("spec.ipFamilies", "may not be set for ExternalName services");
        if (spec["ipFamilyPolicy"] is not null)
            errors.Forbidden("spec.ipFamilyPolicy", "may not be set for ExternalName services");
        // A trailing dot makes the name absolute and is no part of the subdomain.
        if (spec.Text("externalName")?.TrimEnd('.') is not { Length: > 0 } name)
            errors.Required("spec.externalName");
        else
            errors.Check("spec.externalName", name, Names.Dns1123Subdomain);
    }

    private static void Ports(JsonObject spec, Errors errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var ports = new HashSet<(long?, string?)>();
        var nodePorts = new HashSet<(long, string?)>();
        var many = (spec.Array("ports")?.Count ?? 0) > 1;
        foreach (var (i, port) in spec.Items("ports"))
        {
            var path = $"spec.ports[{i}]";
            if (port.Text("name") is not { Length: > 0 } name)
            {
                if (many)
                    errors.Required(path + ".name");
            }
            else
            {
                errors.Check(path + ".name", name, Names.Dns1123Label);
                if (!names.Add(name))
                    errors.Duplicate(path + ".name", name);
            }
            errors.Port(path + ".port", port.Integer("port"));
            if (port["targetPort"].AsText() is { } target)
                errors.Check(path + ".targetPort", target, Names.PortName);
            else if (!ServiceUpdates.IsHeadless(spec) || port.Integer("targetPort") is not 0)
                errors.Port(path + ".targetPort", port.Integer("targetPort"));
            errors.Check(path + ".appProtocol", port.Text("appProtocol"), Names.QualifiedName);
            if (!ports.Add((port.Integer("port"), port.Text("protocol"))))
                errors.Duplicate(path, new JsonObject { ["port"] = port.Integer("port"), ["protocol"] = port.Text("protocol") });
            NodePort(spec, port, path, nodePorts, errors);
        }
    }

    private static void NodePort(JsonObject spec, JsonObject port, string path, HashSet<(long, string?)> seen, Errors errors)
    {
        if (port.Integer("nodePort") is not { } number || number == 0)
            return;
        if (spec.Text("type") is not ("NodePort" or "LoadBalancer"))
            errors.Forbidden(path + ".nodePort", $"may not be used when `type` is '{spec.Text("type")}'");
        if (!seen.Add((number, port.Text("protocol"))))
            errors.Duplicate(path + ".nodePort", number);
    }

    private static void Affinity(JsonObject spec, Errors errors)
    {
        if (spec.Text("sessionAffinity") != "ClientIP")
            return;
        if (spec.ObjectAt("sessionAffinityConfig", "clientIP").Integer("timeoutSeconds") is { } seconds and (<= 0 or > MaxAffinitySeconds))
            errors.Invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, $"must be greater than 0 and less than {MaxAffinitySeconds}");
    }

    private static void ClusterIps(JsonObject spec, Errors errors)
    {
        var ips = spec.Texts("clusterIPs").ToList();
        if (ips.Count > 2)
            errors.Invalid("spec.clusterIPs", spec["clusterIPs"], "may only hold up to 2 values");
        if (ips.Count > 0 && spec.Text("clusterIP") is { Length: > 0 } single && single != ips[0])
            errors.Invalid("spec.clusterIPs", spec["clusterIPs"], "first value must match `clusterIP`");
        if (ips.Count > 1 && ips.Contains("None"))
            errors.Invalid("spec.clusterIPs", spec["clusterIPs"], "'None' must be the first and only value");
        var families = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < ips.Count; i++)
        {
            if (ips[i] == "None")
                continue;
            if (!Names.TryIp(ips[i], out var ip))
                errors.Invalid($"spec.clusterIPs[{i}]", ips[i], Names.BadIp);
            else if (!families.Add(Names.Family(ip)))
                errors.Invalid("spec.clusterIPs", spec["clusterIPs"], "may specify no more than one IP for each IP family");
        }
        var named = spec.Texts("ipFamilies").ToList();
        if (named.Count > 2 || named.Distinct().Count() != named.Count)
            errors.Duplicate("spec.ipFamilies", spec["ipFamilies"]);
    }

    private static void ExternalIp(string text, string path, Errors errors)
    {
        if (!Names.TryIp(text, out var ip))
            errors.Invalid(path, text, Names.BadIp);
        else if (System.Net.IPAddress.IsLoopback(ip))
            errors.Invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
        else if (ip.Equals(System.Net.IPAddress.Any) || ip.Equals(System.Net.IPAddress.IPv6Any))
            errors.Invalid(path, text, $"may not be unspecified ({ip})");
    }

    private static void TrafficPolicies(JsonObject spec, Errors errors)
    {
        if (spec.Text("externalTrafficPolicy") is { Length: > 0 } external && !ServiceDefaults.IsExternallyAccessible(spec))
            errors.Invalid("spec.externalTrafficPolicy", external, "may only be set for externally-accessible services");
        if (spec.Integer("healthCheckNodePort") is { } port and not 0)
        {
            if (ServiceUpdates.NeedsHealthCheckPort(spec))
                errors.Port("spec.healthCheckNodePort", port);
            else
                errors.Invalid("spec.healthCheckNodePort", port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
        }
        if (spec["allocateLoadBalancerNodePorts"] is not null && spec.Text("type") != "LoadBalancer")
            errors.Forbidden("spec.allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'");
        if (spec["loadBalancerClass"] is not null && spec.Text("type") != "LoadBalancer")
            errors.Forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'");
    }

    /// <summary>Addresses stay: only the second family may come and go, and a change of type from or to ExternalName drops them all.</summary>
    private static void Update(JsonObject spec, JsonObject? before, Errors errors)
    {
        if (!ServiceUpdates.NeedsClusterIp(spec) || !ServiceUpdates.NeedsClusterIp(before))
            return;
        var now = spec.Texts("clusterIPs").ToList();
        var old = before.Texts("clusterIPs").ToList();
        for (var i = 0; i < Math.Min(now.Count, old.Count); i++)
        {
            if (now[i] != old[i])
                errors.Invalid($"spec.clusterIPs[{i}]", spec["clusterIPs"], i == 0 ? "may not change once set" : "may not change once set, remove it first");
        }
        if (old.Count > 0 && now.Count == 0)
            errors.Invalid("spec.clusterIPs[0]", spec["clusterIPs"], "primary clusterIP can not be unset");
        var families = spec.Texts("ipFamilies").ToList();
        var were = before.Texts("ipFamilies").ToList();
        if (families.Count > 0 && were.Count > 0 && families[0] != were[0])
            errors.Invalid("spec.ipFamilies[0]", spec["ipFamilies"], "may not change once set");
    }
}
