using System.Text.Json;
using System.Text.Json.Serialization;

namespace Weft.Kubernetes.Api;

// networking.k8s.io/v1 NetworkPolicy. Unknown fields are kept, because a policy with a field that Weft does not know must fail
// closed: the field may have narrowed what the policy allows.

public sealed record ApiNetworkPolicy : IApiObject
{
    public ApiMetadata? Metadata { get; init; }

    public ApiNetworkPolicySpec? Spec { get; init; }
}

public sealed record ApiNetworkPolicySpec
{
    public ApiLabelSelector? PodSelector { get; init; }

    public List<ApiIngressRule>? Ingress { get; init; }

    public List<ApiEgressRule>? Egress { get; init; }

    public List<string>? PolicyTypes { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

public sealed record ApiIngressRule
{
    public List<ApiPolicyPeer>? From { get; init; }

    public List<ApiPolicyPort>? Ports { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

public sealed record ApiEgressRule
{
    public List<ApiPolicyPeer>? To { get; init; }

    public List<ApiPolicyPort>? Ports { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

public sealed record ApiPolicyPeer
{
    public ApiLabelSelector? PodSelector { get; init; }

    public ApiLabelSelector? NamespaceSelector { get; init; }

    public ApiIPBlock? IpBlock { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

public sealed record ApiIPBlock
{
    public string Cidr { get; init; } = "";

    public List<string>? Except { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

public sealed record ApiPolicyPort
{
    public string? Protocol { get; init; }

    /// <summary>A number or a name (IntOrString).</summary>
    public JsonElement? Port { get; init; }

    public int? EndPort { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
