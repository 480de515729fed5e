using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Services;

/// <summary>Defaults of Services, Endpoints and EndpointSlices that depend on other fields (pkg/apis/core/v1/defaults.go).</summary>
internal static class ServiceDefaults
{
    private const int ClientIpSeconds = 3 * 60 * 60;

    public static void Service(JsonObject service)
    {
        var spec = service.Ensure("spec");
        // Constants are in by now only where spec was given at all.
        spec.SetDefault("type", "ClusterIP");
        spec.SetDefault("sessionAffinity", "None");
        if (spec.Text("sessionAffinity") == "ClientIP")
            spec.Ensure("sessionAffinityConfig").Ensure("clientIP")["timeoutSeconds"] ??= ClientIpSeconds;
        else
            spec.Remove("sessionAffinityConfig");
        foreach (var (_, port) in spec.Items("ports"))
        {
            if (port["targetPort"] is null || port["targetPort"].AsInteger() == 0 || port["targetPort"].AsText() is "")
                port["targetPort"] = port["port"]?.DeepClone();
        }
        if (IsExternallyAccessible(spec))
            spec.SetDefault("externalTrafficPolicy", "Cluster");
        if (spec.Text("type") is "ClusterIP" or "NodePort" or "LoadBalancer")
            spec.SetDefault("internalTrafficPolicy", "Cluster");
        if (spec.Text("type") == "LoadBalancer")
            spec["allocateLoadBalancerNodePorts"] ??= true;
    }

    public static bool IsExternallyAccessible(JsonObject? spec) =>
        spec.Text("type") is "NodePort" or "LoadBalancer" || spec.Text("type") == "ClusterIP" && spec.Array("externalIPs") is { Count: > 0 };

    public static void EndpointSlice(JsonObject slice)
    {
        foreach (var (_, port) in slice.Items("ports"))
        {
            port["name"] ??= "";
            port.SetDefault("protocol", "TCP");
        }
    }
}
