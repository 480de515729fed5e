using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Security;
using Weft.KubeApi.Storage;
using Weft.KubeApi.Streams;

namespace Weft.KubeApi.Rest;

/// <summary>Subresources that are actions or other views of an object: scale, binding, eviction, token, and the streams of pods.</summary>
internal sealed class SubresourceHandler(ApiCore core, TokenAuthority tokens, PodStreamHandler streams)
{
    private const long DefaultTokenSeconds = 3600;
    private const long MinTokenSeconds = 600;

    public Task HandleAsync(HttpContext http, RequestPath path, ResourceDefinition definition, UserInfo user) =>
        (definition.Resource, path.Subresource, http.Request.Method) switch
        {
            (_, "scale", "GET") when definition.HasScale => ReadScaleAsync(http, path, definition),
            (_, "scale", "PUT" or "PATCH") when definition.HasScale => WriteScaleAsync(http, path, definition, user),
            ("pods", "binding", "POST") => BindAsync(http, path, definition, user),
            ("pods", "eviction", "POST") => EvictAsync(http, path, definition, user),
            ("serviceaccounts", "token", "POST") => TokenAsync(http, path, definition),
            ("pods", "log" or "exec" or "attach" or "portforward", "GET" or "POST" or "CONNECT") => streams.HandleAsync(http, path, definition),
            (_, "scale", _) when definition.HasScale => throw StatusErrors.MethodNotAllowed(),
            ("pods", "binding" or "eviction" or "log" or "exec" or "attach" or "portforward", _) => throw StatusErrors.MethodNotAllowed(),
            _ => throw StatusErrors.NoSuchPath(),
        };

    private Task ReadScaleAsync(HttpContext http, RequestPath path, ResourceDefinition definition) =>
        HttpJson.WriteAsync(http, 200, Scale(definition, core.Reader.Get(definition, path.Namespace ?? "", path.Name!)));

    private async Task WriteScaleAsync(HttpContext http, RequestPath path, ResourceDefinition definition, UserInfo user)
    {
        var context = QueryReader.Context(http.Request, user);
        var body = await BodyReader.ReadAsync(http.Request, http.RequestAborted) ?? throw StatusErrors.BadRequest("the request has no body");
        var type = BodyReader.MediaType(http.Request);
        var stored = await core.Writer.UpdateAsync(definition, path.Namespace ?? "", path.Name!, "", current =>
        {
            var scale = Scale(definition, current);
            var wanted = http.Request.Method == "PUT" ? body as JsonObject : type switch
            {
                "application/json-patch+json" => ApiCore.PatchObject(scale, PatchKind.Json, body, null),
                "application/merge-patch+json" or "application/strategic-merge-patch+json" or "application/apply-patch+yaml" =>
                    ApiCore.PatchObject(scale, PatchKind.Merge, body, null),
                _ => throw StatusErrors.UnsupportedMediaType(type, "application/json-patch+json, application/merge-patch+json"),
            };
            if (wanted is null)
                throw StatusErrors.BadRequest("the body of the request is not a Scale object");
            var replicas = Json.Integer(wanted["spec"]?["replicas"]) ?? 0;
            if (replicas < 0)
                throw StatusErrors.Invalid(definition, path.Name!,
                    [FieldError.Invalid("spec.replicas", JsonValue.Create(replicas), "must be greater than or equal to 0")]);
            var next = current.Clone();
            var metadata = (JsonObject)next["metadata"]!;
            metadata["resourceVersion"] = http.Request.Method == "PUT" ? wanted["metadata"]?["resourceVersion"]?.DeepClone() : null;
            Set(next, definition.Scale!.SpecReplicas, replicas);
            return next;
        }, context, http.RequestAborted);
        HttpJson.AddWarnings(http, context);
        await HttpJson.WriteAsync(http, 200, Scale(definition, stored));
    }

    private static JsonObject Scale(ResourceDefinition definition, StoredObject stored)
    {
        var metadata = new JsonObject();
        foreach (var field in (ReadOnlySpan<string>)["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
            metadata[field] = stored.Metadata[field]?.DeepClone();
        var paths = definition.Scale!;
        var selector = paths.Selector is null ? null : Json.At(stored.Object, paths.Selector);
        var status = new JsonObject { ["replicas"] = Json.Integer(Json.At(stored.Object, paths.StatusReplicas)) ?? 0 };
        if ((Json.Text(selector) ?? SelectorText(selector as JsonObject)) is { } text)
            status["selector"] = text;
        return new JsonObject
        {
            ["kind"] = "Scale", ["apiVersion"] = "autoscaling/v1", ["metadata"] = metadata,
            ["spec"] = new JsonObject { ["replicas"] = Json.Integer(Json.At(stored.Object, paths.SpecReplicas)) ?? 0 },
            ["status"] = status,
        };
    }

    private static string? SelectorText(JsonObject? selector)
    {
        if (selector is null)
            return null;
        var terms = new List<string>();
        foreach (var (key, value) in selector["matchLabels"] as JsonObject ?? [])
            terms.Add($"{key}={Json.Text(value)}");
        foreach (var expression in selector["matchExpressions"] as JsonArray ?? [])
        {
            var key = Json.Text(expression?["key"]);
            var values = string.Join(',', Json.Strings(expression?["values"]));
            terms.Add(Json.Text(expression?["operator"]) switch
            {
                "In" => $"{key} in ({values})",
                "NotIn" => $"{key} notin ({values})",
                "DoesNotExist" => $"!{key}",
                _ => key ?? "",
            });
        }
        return string.Join(',', terms);
    }

    private static void Set(JsonObject target, string path, long value)
    {
        var steps = path.TrimStart('.').Split('.');
        foreach (var step in steps[..^1])
            target = Json.Child(target, step);
        target[steps[^1]] = value;
    }

    private async Task BindAsync(HttpContext http, RequestPath path, ResourceDefinition definition, UserInfo user)
    {
        var body = await BodyReader.ReadObjectAsync(http.Request, http.RequestAborted);
        var node = Json.Text(body["target"]?["name"]);
        if (string.IsNullOrEmpty(node))
            throw StatusErrors.BadRequest("Binding: target.name is required: the name of the node");
        await PodBinding.BindAsync(core, definition, path.Namespace!, path.Name!, node, QueryReader.Context(http.Request, user), http.RequestAborted);
        await WriteSuccessAsync(http);
    }

    private async Task EvictAsync(HttpContext http, RequestPath path, ResourceDefinition definition, UserInfo user)
    {
        var body = await BodyReader.ReadAsync(http.Request, http.RequestAborted) as JsonObject;
        var (options, dryRun) = QueryReader.DeleteOptions(http.Request.Query, body?["deleteOptions"] as JsonObject);
        var context = new RequestContext { User = user, FieldManager = "", DryRun = dryRun };
        await core.Deletion.DeleteAsync(definition, path.Namespace!, path.Name!, options, context, http.RequestAborted);
        await WriteSuccessAsync(http);
    }

    private async Task TokenAsync(HttpContext http, RequestPath path, ResourceDefinition definition)
    {
        var body = await BodyReader.ReadObjectAsync(http.Request, http.RequestAborted);
        var account = core.Reader.Get(definition, path.Namespace!, path.Name!);
        var seconds = Json.Integer(body["spec"]?["expirationSeconds"]) ?? DefaultTokenSeconds;
        if (seconds < MinTokenSeconds)
            throw new ApiStatusException(422, "Invalid", $"TokenRequest.authentication.k8s.io \"{path.Name}\" is invalid: "
                + $"spec.expirationSeconds: Invalid value: {seconds}: may not specify a duration less than 10 minutes");
        var (token, expires) = tokens.Issue(path.Namespace!, path.Name!, account.Uid, TimeSpan.FromSeconds(seconds));
        body["kind"] = "TokenRequest";
        body["apiVersion"] = "authentication.k8s.io/v1";
        Json.Child(body, "spec")["expirationSeconds"] = seconds;
        body["status"] = new JsonObject { ["token"] = token, ["expirationTimestamp"] = Json.Time(expires) };
        await HttpJson.WriteAsync(http, 201, body);
    }

    private static Task WriteSuccessAsync(HttpContext http) => HttpJson.WriteAsync(http, 201, new JsonObject
    {
        ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = 201,
    });
}
