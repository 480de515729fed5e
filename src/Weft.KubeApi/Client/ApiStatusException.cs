using System.Text.Json.Nodes;

namespace Weft.KubeApi.Client;

/// <summary>A refusal by the API, as a meta/v1 Status.</summary>
public class ApiStatusException(int code, string reason, string message, JsonObject? details = null) : Exception(message)
{
    /// <summary>HTTP status code, such as 404, 409, 410, 422.</summary>
    public int Code { get; } = code;

    /// <summary>Machine-readable, such as NotFound, Conflict, Expired, Invalid.</summary>
    public string Reason { get; } = reason;

    public JsonObject? Details { get; } = details;
}
