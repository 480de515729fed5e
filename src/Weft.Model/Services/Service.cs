using System.Net;
using Weft.Model.Selectors;
using Weft.Primitives;

namespace Weft.Model.Services;

public enum ServiceType { ClusterIP, NodePort, LoadBalancer, ExternalName }

/// <summary>A port of a Service. <see cref="Name"/> is empty when the only port has none; it joins with EndpointSlice ports.</summary>
public sealed record ServicePort(string Name, Protocol Protocol, int Port, int NodePort);

/// <summary>A Service. <see cref="ClusterIPs"/> is empty when headless or ExternalName.</summary>
public sealed record Service(
    ObjectKey Key,
    ServiceType Type,
    EquatableArray<IPAddress> ClusterIPs,
    EquatableArray<ServicePort> Ports,
    bool Headless,
    string? ExternalName = null,
    EquatableArray<IPAddress> ExternalIPs = default,
    EquatableArray<IPAddress> LoadBalancerIPs = default,
    int? ClientIPAffinitySeconds = null,
    bool InternalTrafficLocal = false,
    bool ExternalTrafficLocal = false,
    bool PublishNotReadyAddresses = false,
    Labels? Labels = null);

/// <summary>One endpoint of a slice (discovery.k8s.io/v1). Conditions are after the API's defaulting (absent ready means ready).</summary>
public sealed record Endpoint(
    EquatableArray<IPAddress> Addresses,
    bool Ready,
    bool Serving,
    bool Terminating,
    string? Hostname,
    string? NodeName,
    ObjectKey? Target);

/// <summary>A port of a slice; its name joins it with the Service's port.</summary>
public sealed record EndpointPort(string Name, Protocol Protocol, int Port);

/// <summary>A discovery.k8s.io/v1 EndpointSlice. <see cref="Service"/> comes from the label kubernetes.io/service-name.</summary>
public sealed record EndpointSlice(
    ObjectKey Key,
    string Service,
    bool IsIPv6,
    EquatableArray<Endpoint> Endpoints,
    EquatableArray<EndpointPort> Ports);
