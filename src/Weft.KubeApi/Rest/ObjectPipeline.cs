using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Schemas;

namespace Weft.KubeApi.Rest;

/// <summary>The steps between the body of a write and the store that creates and updates share.</summary>
internal sealed class ObjectPipeline(
    SchemaSet schemas, IReadOnlyList<Func<AdmissionRequest, CancellationToken, ValueTask>> hooks, Func<IApiClient> client)
{
    /// <summary>Drops unknown fields, refusing or warning as the request asks, and refuses values of the wrong type.</summary>
    public void Decode(ResourceDefinition definition, JsonObject body, RequestContext context)
    {
        if (Json.Text(body["apiVersion"]) is { Length: > 0 } apiVersion && apiVersion != definition.ApiVersion)
            throw StatusErrors.BadRequest(
                $"the API version in the data ({apiVersion}) does not match the expected API version ({definition.ApiVersion})");
        if (Json.Text(body["kind"]) is { Length: > 0 } kind && kind != definition.Kind)
            throw StatusErrors.BadRequest($"the kind in the data ({kind}) does not match the expected kind ({definition.Kind})");
        body["apiVersion"] = definition.ApiVersion;
        body["kind"] = definition.Kind;
        if (body["metadata"] is not (null or JsonObject))
            throw StatusErrors.BadRequest($"{definition.Kind}: metadata must be an object, found {Json.ToText(body["metadata"])}");
        Json.Child(body, "metadata");

        var report = ObjectDecoder.Decode(body, schemas.Of(definition), definition.Custom);
        if (report.TypeErrors.Count > 0)
        {
            if (definition.Custom)
                throw StatusErrors.Invalid(definition, Json.Text(body["metadata"]!["name"]) ?? "", report.TypeErrors);
            throw StatusErrors.BadRequest($"{definition.Kind} in version \"{definition.Version}\" cannot be handled as a {definition.Kind}: "
                + string.Join("; ", report.TypeErrors.Select(e => e.Detail)));
        }
        if (report.Unknown.Count == 0)
            return;
        if (context.Validation == FieldValidation.Strict)
        {
            throw StatusErrors.BadRequest($"{definition.Kind} in version \"{definition.Version}\" cannot be handled as a {definition.Kind}: "
                + "strict decoding error: " + string.Join(", ", report.Unknown.Select(path => $"unknown field \"{path}\"")));
        }
        if (context.Validation == FieldValidation.Warn)
            context.Warnings.AddRange(report.Unknown.Select(path => $"unknown field \"{path}\""));
    }

    public void Default(ResourceDefinition definition, JsonObject target)
    {
        if (definition.Custom)
            SchemaDefaults.Apply(target, schemas.Of(definition));
        definition.Default?.Invoke(target);
    }

    /// <summary>Runs the kind's own hook and then the server's.</summary>
    public async ValueTask<AdmissionRequest> AdmitAsync(
        AdmissionOperation operation, ResourceDefinition definition, string subresource, JsonObject target, JsonObject? old,
        RequestContext context, CancellationToken cancel)
    {
        var request = new AdmissionRequest
        {
            Operation = operation, Definition = definition, Subresource = subresource, Object = target, OldObject = old,
            DryRun = context.DryRun, User = context.User.Name, Client = client(),
        };
        try
        {
            if (definition.Admit is { } own)
                await own(request, cancel);
            foreach (var hook in hooks)
                await hook(request, cancel);
            // What a hook added gets its defaults now, or the next write would seem to change it.
            if (hooks.Count > 0 && operation != AdmissionOperation.Delete)
                Default(definition, target);
            context.Warnings.AddRange(request.Warnings);
            return request;
        }
        catch
        {
            await RollBackAsync(request);
            throw;
        }
    }

    public static async ValueTask RollBackAsync(AdmissionRequest request)
    {
        for (var i = request.Rollback.Count - 1; i >= 0; i--)
            await request.Rollback[i]();
        request.Rollback.Clear();
    }

    public void Validate(ResourceDefinition definition, string subresource, JsonObject target, JsonObject? old)
    {
        var errors = new List<FieldError>(MetadataRules.Validate(target, old, definition));
        if (definition.Custom)
            errors.AddRange(SchemaValidator.Validate(target, schemas.Of(definition)));
        if (subresource == "status" && old is not null)
            errors.AddRange(definition.ValidateStatus?.Invoke(target, old) ?? []);
        else if (definition.Validate is { } validate)
            errors.AddRange(validate(target, old));
        if (errors.Count > 0)
            throw StatusErrors.Invalid(definition, Json.Text(target["metadata"]!["name"]) ?? "", errors);
    }
}
