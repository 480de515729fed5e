using System.Text.Json;
using System.Text.Json.Serialization;

namespace Weft.Kubernetes.Api;

/// <summary>Source-generated readers of the slim API types. Names are camel case as in the API; nulls and unknown fields are tolerated.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ApiWatchEvent))]
[JsonSerializable(typeof(ApiStatus))]
[JsonSerializable(typeof(ApiBookmark))]
[JsonSerializable(typeof(ApiNode))]
[JsonSerializable(typeof(ApiNamespace))]
[JsonSerializable(typeof(ApiPod))]
[JsonSerializable(typeof(ApiService))]
[JsonSerializable(typeof(ApiEndpointSlice))]
[JsonSerializable(typeof(ApiNetworkPolicy))]
[JsonSerializable(typeof(ApiList<ApiNode>))]
[JsonSerializable(typeof(ApiList<ApiNamespace>))]
[JsonSerializable(typeof(ApiList<ApiPod>))]
[JsonSerializable(typeof(ApiList<ApiService>))]
[JsonSerializable(typeof(ApiList<ApiEndpointSlice>))]
[JsonSerializable(typeof(ApiList<ApiNetworkPolicy>))]
[JsonSerializable(typeof(ApiAddressPool))]
[JsonSerializable(typeof(ApiAddressBlock))]
[JsonSerializable(typeof(ApiList<ApiAddressPool>))]
[JsonSerializable(typeof(ApiList<ApiAddressBlock>))]
[JsonSerializable(typeof(ApiAddressBlockWritten))]
[JsonSerializable(typeof(ApiAddressBlockPatch))]
[JsonSerializable(typeof(ApiDeleteOptions))]
[JsonSerializable(typeof(ApiEvent))]
[JsonSerializable(typeof(ApiNodeConditionPatch))]
[JsonSerializable(typeof(ApiNodeTaintPatch))]
public sealed partial class ApiJson : JsonSerializerContext;

public sealed record ApiBookmark : IApiObject
{
    public ApiMetadata? Metadata { get; init; }
}
