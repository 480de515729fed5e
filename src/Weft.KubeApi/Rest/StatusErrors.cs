using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Rest;

/// <summary>The refusals of the API, worded as k8s.io/apimachinery/pkg/api/errors words them, because clients match on them.</summary>
internal static class StatusErrors
{
    public static ApiStatusException NotFound(string resource, string name) =>
        new(404, "NotFound", $"{resource} \"{name}\" not found", Details(resource, name));

    public static ApiStatusException NoSuchPath() => new(404, "NotFound", "the server could not find the requested resource", []);

    public static ApiStatusException AlreadyExists(string resource, string name) =>
        new(409, "AlreadyExists", $"{resource} \"{name}\" already exists", Details(resource, name));

    public static ApiStatusException Conflict(string resource, string name, string? why = null) =>
        new(409, "Conflict",
            $"Operation cannot be fulfilled on {resource} \"{name}\": "
            + (why ?? "the object has been modified; please apply your changes to the latest version and try again"),
            Details(resource, name));

    public static ApiStatusException Expired(string message) => new(410, "Expired", message);

    public static ApiStatusException BadRequest(string message) => new(400, "BadRequest", message);

    public static ApiStatusException Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    public static ApiStatusException Forbidden(string resource, string name, string why) =>
        new(403, "Forbidden", $"{resource} \"{name}\" is forbidden: {why}", Details(resource, name));

    public static ApiStatusException MethodNotAllowed() =>
        new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", []);

    public static ApiStatusException NotAcceptable(string supported) =>
        new(406, "NotAcceptable", "only the following media types are accepted: " + supported);

    public static ApiStatusException UnsupportedMediaType(string got, string supported) =>
        new(415, "UnsupportedMediaType", $"the body of the request was in an unknown format ({got}) - accepted media types include: {supported}");

    public static ApiStatusException TooLarge(string message) => new(413, "RequestEntityTooLarge", message);

    public static ApiStatusException Internal(string message) => new(500, "InternalError", "Internal error occurred: " + message);

    public static ApiStatusException Unavailable(string message) => new(503, "ServiceUnavailable", message);

    /// <summary>A resource version that this server has not reached.</summary>
    public static ApiStatusException TooLargeResourceVersion(long asked, long current) =>
        new(504, "Timeout", $"Timeout: Too large resource version: {asked}, current: {current}", new JsonObject
        {
            ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ResourceVersionTooLarge", ["message"] = "Too large resource version" }),
            ["retryAfterSeconds"] = 1,
        });

    public static ApiStatusException Invalid(ResourceDefinition definition, string name, IReadOnlyList<FieldError> errors)
    {
        var causes = new JsonArray();
        foreach (var error in errors)
            causes.Add((JsonNode)new JsonObject { ["reason"] = error.Reason, ["message"] = error.Body, ["field"] = error.Path });
        var kind = definition.Group.Length == 0 ? definition.Kind : $"{definition.Kind}.{definition.Group}";
        var list = errors.Count == 1 ? errors[0].ToString() : $"[{string.Join(", ", errors)}]";
        return new ApiStatusException(422, "Invalid", $"{kind} \"{name}\" is invalid: {list}", new JsonObject
        {
            ["name"] = name, ["group"] = definition.Group, ["kind"] = definition.Kind, ["causes"] = causes,
        });
    }

    /// <summary>The Status that a client sees.</summary>
    public static JsonObject ToStatus(ApiStatusException error)
    {
        var status = new JsonObject
        {
            ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Failure",
            ["message"] = error.Message, ["reason"] = error.Reason,
        };
        if (error.Details is { } details)
            status["details"] = details.DeepClone();
        status["code"] = error.Code;
        // An expired chunked list hands out a token to go on with, inconsistently: it travels in the metadata.
        if (error is ExpiredListException expired)
            status["metadata"]!["continue"] = expired.Continue;
        return status;
    }

    private static JsonObject Details(string resource, string name)
    {
        var dot = resource.IndexOf('.');
        var details = new JsonObject { ["name"] = name };
        if (dot > 0)
            details["group"] = resource[(dot + 1)..];
        details["kind"] = dot > 0 ? resource[..dot] : resource;
        return details;
    }
}

/// <summary>410 for a list whose continue token is too old, with a token that goes on from the same place in the current state.</summary>
internal sealed class ExpiredListException(string message, string resume) : ApiStatusException(410, "Expired", message)
{
    public string Continue { get; } = resume;
}
