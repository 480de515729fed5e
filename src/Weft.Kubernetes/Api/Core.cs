using System.Text.Json;

namespace Weft.Kubernetes.Api;

// core/v1 and discovery.k8s.io/v1, cut down to what the network needs.

public sealed record ApiNode : IApiObject
{
    public ApiMetadata? Metadata { get; init; }

    public ApiNodeSpec? Spec { get; init; }

    public ApiNodeStatus? Status { get; init; }
}

public sealed record ApiNodeSpec
{
    public string? PodCIDR { get; init; }

    public List<string>? PodCIDRs { get; init; }

    public List<ApiTaint>? Taints { get; init; }
}

public sealed record ApiTaint
{
    public string Key { get; init; } = "";

    public string? Value { get; init; }

    public string Effect { get; init; } = "";

    public string? TimeAdded { get; init; }
}

public sealed record ApiNodeStatus
{
    public List<ApiNodeAddress>? Addresses { get; init; }

    public List<ApiCondition>? Conditions { get; init; }
}

public sealed record ApiNodeAddress
{
    public string Type { get; init; } = "";

    public string Address { get; init; } = "";
}

public sealed record ApiCondition
{
    public string Type { get; init; } = "";

    public string Status { get; init; } = "";
}

public sealed record ApiNamespace : IApiObject
{
    public ApiMetadata? Metadata { get; init; }
}

public sealed record ApiPod : IApiObject
{
    public ApiMetadata? Metadata { get; init; }

    public ApiPodSpec? Spec { get; init; }

    public ApiPodStatus? Status { get; init; }
}

public sealed record ApiPodSpec
{
    public string? NodeName { get; init; }

    public bool HostNetwork { get; init; }

    public string? Hostname { get; init; }

    public string? Subdomain { get; init; }

    public List<ApiContainer>? Containers { get; init; }

    public List<ApiContainer>? InitContainers { get; init; }
}

public sealed record ApiContainer
{
    public List<ApiContainerPort>? Ports { get; init; }

    /// <summary>An init container that restarts Always is a sidecar: its ports serve like a container's.</summary>
    public string? RestartPolicy { get; init; }
}

public sealed record ApiContainerPort
{
    public string? Name { get; init; }

    public int ContainerPort { get; init; }

    public int HostPort { get; init; }

    public string? HostIP { get; init; }

    public string? Protocol { get; init; }
}

public sealed record ApiPodStatus
{
    public string? Phase { get; init; }

    public string? PodIP { get; init; }

    public List<ApiPodIP>? PodIPs { get; init; }
}

public sealed record ApiPodIP
{
    public string Ip { get; init; } = "";
}

public sealed record ApiService : IApiObject
{
    public ApiMetadata? Metadata { get; init; }

    public ApiServiceSpec? Spec { get; init; }

    public ApiServiceStatus? Status { get; init; }
}

public sealed record ApiServiceSpec
{
    public string? Type { get; init; }

    public string? ClusterIP { get; init; }

    public List<string>? ClusterIPs { get; init; }

    public List<ApiServicePort>? Ports { get; init; }

    public string? ExternalName { get; init; }

    public List<string>? ExternalIPs { get; init; }

    public string? SessionAffinity { get; init; }

    public ApiSessionAffinityConfig? SessionAffinityConfig { get; init; }

    public string? InternalTrafficPolicy { get; init; }

    public string? ExternalTrafficPolicy { get; init; }

    public bool PublishNotReadyAddresses { get; init; }
}

public sealed record ApiServicePort
{
    public string? Name { get; init; }

    public string? Protocol { get; init; }

    public int Port { get; init; }

    public int NodePort { get; init; }
}

public sealed record ApiSessionAffinityConfig
{
    public ApiClientIPConfig? ClientIP { get; init; }
}

public sealed record ApiClientIPConfig
{
    public int? TimeoutSeconds { get; init; }
}

public sealed record ApiServiceStatus
{
    public ApiLoadBalancerStatus? LoadBalancer { get; init; }
}

public sealed record ApiLoadBalancerStatus
{
    public List<ApiLoadBalancerIngress>? Ingress { get; init; }
}

public sealed record ApiLoadBalancerIngress
{
    public string? Ip { get; init; }
}

public sealed record ApiEndpointSlice : IApiObject
{
    public ApiMetadata? Metadata { get; init; }

    public string? AddressType { get; init; }

    public List<ApiEndpoint>? Endpoints { get; init; }

    public List<ApiEndpointPort>? Ports { get; init; }
}

public sealed record ApiEndpoint
{
    public List<string>? Addresses { get; init; }

    public ApiEndpointConditions? Conditions { get; init; }

    public string? Hostname { get; init; }

    public string? NodeName { get; init; }

    public ApiObjectReference? TargetRef { get; init; }
}

public sealed record ApiEndpointConditions
{
    public bool? Ready { get; init; }

    public bool? Serving { get; init; }

    public bool? Terminating { get; init; }
}

public sealed record ApiObjectReference
{
    public string? Kind { get; init; }

    public string? Namespace { get; init; }

    public string? Name { get; init; }
}

public sealed record ApiEndpointPort
{
    public string? Name { get; init; }

    public string? Protocol { get; init; }

    /// <summary>Absent means every port.</summary>
    public int? Port { get; init; }
}
