namespace Weft.Kubernetes.Api;

// The few objects that an agent writes.

/// <summary>core/v1 Event.</summary>
public sealed record ApiEvent
{
    public string ApiVersion { get; init; } = "v1";

    public string Kind { get; init; } = "Event";

    public required ApiMetadataWritten Metadata { get; init; }

    public required ApiInvolvedObject InvolvedObject { get; init; }

    public required string Reason { get; init; }

    public required string Message { get; init; }

    public required string Type { get; init; }

    public required ApiEventSource Source { get; init; }

    public DateTimeOffset FirstTimestamp { get; init; }

    public DateTimeOffset LastTimestamp { get; init; }

    public int Count { get; init; } = 1;
}

public sealed record ApiMetadataWritten(string Name, string Namespace);

public sealed record ApiInvolvedObject(string ApiVersion, string Kind, string? Namespace, string Name, string? Uid);

public sealed record ApiEventSource(string Component, string Host);

/// <summary>A strategic merge patch of a Node's status conditions (merge key: type).</summary>
public sealed record ApiNodeConditionPatch(ApiNodeConditionStatus Status);

public sealed record ApiNodeConditionStatus(List<ApiNodeCondition> Conditions);

public sealed record ApiNodeCondition(
    string Type, string Status, string Reason, string Message, DateTimeOffset LastHeartbeatTime, DateTimeOffset LastTransitionTime);

/// <summary>A merge patch (RFC 7396) of a Node's taints, which are one list; the version makes it fail where somebody else changed them meanwhile.</summary>
public sealed record ApiNodeTaintPatch(ApiVersionWritten Metadata, ApiNodeTaintSpec Spec);

public sealed record ApiVersionWritten(string ResourceVersion);

public sealed record ApiNodeTaintSpec(List<ApiTaint> Taints);
