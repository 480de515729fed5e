using System.Text.Json;
using System.Text.Json.Serialization;

namespace Weft.Kubernetes.Api;

// The fields of meta/v1 that Weft reads, and no others: what is not read is not kept in memory.

public interface IApiObject
{
    ApiMetadata? Metadata { get; }
}

public sealed record ApiMetadata
{
    public string Name { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string Uid { get; init; } = "";

    public string ResourceVersion { get; init; } = "";

    public long Generation { get; init; }

    public Dictionary<string, string>? Labels { get; init; }

    public Dictionary<string, string>? Annotations { get; init; }

    public DateTimeOffset? CreationTimestamp { get; init; }

    public DateTimeOffset? DeletionTimestamp { get; init; }
}

public sealed record ApiList<T>
{
    public ApiListMetadata? Metadata { get; init; }

    public List<T> Items { get; init; } = [];
}

public sealed record ApiListMetadata
{
    public string ResourceVersion { get; init; } = "";

    public string? Continue { get; init; }
}

/// <summary>A line of a watch response; the object is read by its type once the event's type is known.</summary>
public sealed record ApiWatchEvent
{
    public string Type { get; init; } = "";

    public JsonElement Object { get; init; }
}

public sealed record ApiStatus
{
    public int Code { get; init; }

    public string Reason { get; init; } = "";

    public string Message { get; init; } = "";
}

public sealed record ApiLabelSelector
{
    public Dictionary<string, string>? MatchLabels { get; init; }

    public List<ApiSelectorRequirement>? MatchExpressions { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

public sealed record ApiSelectorRequirement
{
    public string Key { get; init; } = "";

    public string Operator { get; init; } = "";

    public List<string>? Values { get; init; }
}
