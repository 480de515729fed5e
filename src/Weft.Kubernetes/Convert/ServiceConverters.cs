using Weft.Kubernetes.Api;
using Weft.Model;
using Weft.Model.Selectors;
using Weft.Model.Services;
using Weft.Primitives;

namespace Weft.Kubernetes.Convert;

/// <summary>core/v1 Service to <see cref="Service"/>.</summary>
public static class ServiceConverter
{
    /// <summary>core/v1 DefaultClientIPServiceAffinitySeconds: three hours.</summary>
    private const int DefaultAffinitySeconds = 10800;

    public static Service Convert(ApiService service)
    {
        var spec = service.Spec ?? new ApiServiceSpec();
        var addresses = spec.ClusterIPs is { Count: > 0 } many ? many : [spec.ClusterIP ?? ""];
        var type = Enum.TryParse<ServiceType>(spec.Type, out var parsed) ? parsed : ServiceType.ClusterIP;
        return new Service(
            new ObjectKey(service.Metadata?.Namespace ?? "", service.Metadata?.Name ?? ""),
            type,
            type == ServiceType.ExternalName ? [] : addresses.ParseAddresses(),
            (spec.Ports ?? [])
                .Where(p => ProtocolConverter.TryConvert(p.Protocol) is not null)
                .Select(p => new ServicePort(p.Name ?? "", ProtocolConverter.TryConvert(p.Protocol)!.Value, p.Port, p.NodePort))
                .ToEquatableArray(),
            Headless: addresses.Contains("None"),
            spec.ExternalName is { Length: > 0 } name ? name : null,
            (spec.ExternalIPs ?? []).ParseAddresses(),
            (service.Status?.LoadBalancer?.Ingress ?? []).Select(i => i.Ip ?? "").ParseAddresses(),
            spec.SessionAffinity == "ClientIP" ? spec.SessionAffinityConfig?.ClientIP?.TimeoutSeconds ?? DefaultAffinitySeconds : null,
            spec.InternalTrafficPolicy == "Local",
            spec.ExternalTrafficPolicy == "Local",
            spec.PublishNotReadyAddresses,
            Labels.From(service.Metadata?.Labels));
    }
}

/// <summary>discovery.k8s.io/v1 EndpointSlice to <see cref="EndpointSlice"/>.</summary>
public static class EndpointSliceConverter
{
    public static EndpointSlice Convert(ApiEndpointSlice slice) => new(
        new ObjectKey(slice.Metadata?.Namespace ?? "", slice.Metadata?.Name ?? ""),
        slice.Metadata?.Labels?.GetValueOrDefault("kubernetes.io/service-name") ?? "",
        slice.AddressType == "IPv6",
        slice.AddressType == "FQDN" ? [] : (slice.Endpoints ?? []).Select(Convert).ToEquatableArray(),
        (slice.Ports ?? [])
            .Where(p => p.Port is not null && ProtocolConverter.TryConvert(p.Protocol) is not null)
            .Select(p => new EndpointPort(p.Name ?? "", ProtocolConverter.TryConvert(p.Protocol)!.Value, p.Port!.Value))
            .ToEquatableArray());

    // Absent conditions: ready and serving mean true, terminating means false (discovery/v1 EndpointConditions).
    private static Endpoint Convert(ApiEndpoint endpoint) => new(
        (endpoint.Addresses ?? []).ParseAddresses(),
        endpoint.Conditions?.Ready ?? true,
        endpoint.Conditions?.Serving ?? endpoint.Conditions?.Ready ?? true,
        endpoint.Conditions?.Terminating ?? false,
        endpoint.Hostname,
        endpoint.NodeName,
        endpoint.TargetRef is { Kind: "Pod", Name: { Length: > 0 } name } target ? new ObjectKey(target.Namespace ?? "", name) : null);
}
