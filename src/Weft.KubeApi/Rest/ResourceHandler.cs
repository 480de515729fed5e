using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Security;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Rest;

/// <summary>The REST verbs on resources over HTTP.</summary>
internal sealed class ResourceHandler(ApiCore core, SubresourceHandler subresources)
{
    private const string ApplyPatch = "application/apply-patch+yaml";

    public async Task HandleAsync(HttpContext http, RequestPath path, UserInfo user)
    {
        if (!core.Registry.TryGet(path.Group, path.Version, path.Resource, out var definition))
            throw StatusErrors.NoSuchPath();
        if (path.Namespace is not null && !definition.Namespaced)
            throw StatusErrors.NoSuchPath();
        if (path.Name is not null && path.Namespace is null && definition.Namespaced)
            throw StatusErrors.NoSuchPath();
        if (path.Subresource.Length > 0 && !IsPart(definition, path.Subresource))
        {
            await subresources.HandleAsync(http, path, definition, user);
            return;
        }
        var collection = path.Name is null;
        switch (http.Request.Method)
        {
            case "GET" when QueryReader.Flag(http.Request.Query, "watch") == true:
                await new WatchStream(core).RunAsync(http, definition, path);
                break;
            case "GET" when collection:
                await ListAsync(http, definition, path);
                break;
            case "GET" or "HEAD" when !collection:
                await WriteObjectAsync(http, 200, definition, core.Reader.Get(definition, path.Namespace ?? "", path.Name!), null);
                break;
            case "POST" when collection:
                await CreateAsync(http, definition, path, user);
                break;
            case "PUT" when !collection:
                await ReplaceAsync(http, definition, path, user);
                break;
            case "PATCH" when !collection:
                await PatchAsync(http, definition, path, user);
                break;
            case "DELETE" when collection:
                await DeleteCollectionAsync(http, definition, path, user);
                break;
            case "DELETE" when path.Subresource.Length == 0:
                await DeleteAsync(http, definition, path, user);
                break;
            default:
                throw StatusErrors.MethodNotAllowed();
        }
    }

    /// <summary>Writes an object in the form that the client asked for.</summary>
    public async Task WriteObjectAsync(HttpContext http, int code, ResourceDefinition definition, StoredObject stored, RequestContext? context)
    {
        if (context is not null)
            HttpJson.AddWarnings(http, context);
        var format = ResponseFormat.Negotiate(http.Request.Headers.Accept);
        switch (format.Kind)
        {
            case ResponseKind.Table:
                var include = QueryReader.Text(http.Request.Query, "includeObject") ?? "Metadata";
                var metadata = new JsonObject { ["resourceVersion"] = stored.Metadata["resourceVersion"]?.DeepClone() };
                await HttpJson.WriteAsync(http, code, TableWriter.Table(definition, [stored], metadata, include, core.Time.GetUtcNow()));
                break;
            case ResponseKind.PartialMetadata:
                await HttpJson.WriteAsync(http, code, TableWriter.PartialMetadata(stored));
                break;
            default:
                await HttpJson.WriteAsync(http, code, Versions.Bytes(stored, definition));
                break;
        }
    }

    private async Task ListAsync(HttpContext http, ResourceDefinition definition, RequestPath path)
    {
        var format = ResponseFormat.Negotiate(http.Request.Headers.Accept);
        var page = core.Reader.List(definition, path.Namespace, QueryReader.ListOptions(http.Request.Query, definition, null));
        var metadata = new JsonObject { ["resourceVersion"] = Json.Revision(page.Revision) };
        if (page.Continue is { } next)
            metadata["continue"] = next;
        if (page.Remaining is { } remaining)
            metadata["remainingItemCount"] = remaining;
        switch (format.Kind)
        {
            case ResponseKind.Table:
                var include = QueryReader.Text(http.Request.Query, "includeObject") ?? "Metadata";
                await HttpJson.WriteAsync(http, 200, TableWriter.Table(definition, page.Items, metadata, include, core.Time.GetUtcNow()));
                break;
            case ResponseKind.PartialMetadata:
                var items = new JsonArray(page.Items.Select(i => (JsonNode)TableWriter.PartialMetadata(i)).ToArray());
                await HttpJson.WriteAsync(http, 200, new JsonObject
                {
                    ["kind"] = "PartialObjectMetadataList", ["apiVersion"] = "meta.k8s.io/v1", ["metadata"] = metadata, ["items"] = items,
                });
                break;
            default:
                await WriteListAsync(http, definition, metadata, page.Items);
                break;
        }
    }

    // The items are in bytes already: a list is a frame around them.
    private static async Task WriteListAsync(
        HttpContext http, ResourceDefinition definition, JsonObject metadata, IReadOnlyList<StoredObject> items)
    {
        http.Response.ContentType = HttpJson.MediaType;
        http.Response.Headers.CacheControl = "no-cache, private";
        var body = http.Response.BodyWriter;
        body.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $$"""{"kind":"{{definition.ListKind}}","apiVersion":"{{definition.ApiVersion}}","metadata":{{Json.ToText(metadata)}},"items":[""")));
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0)
                body.Write(","u8);
            body.Write(Versions.Bytes(items[i], definition));
            if (body.CanGetUnflushedBytes && body.UnflushedBytes > 64 * 1024)
                await body.FlushAsync(http.RequestAborted);
        }
        body.Write("]}"u8);
        await body.FlushAsync(http.RequestAborted);
    }

    private async Task CreateAsync(HttpContext http, ResourceDefinition definition, RequestPath path, UserInfo user)
    {
        var context = QueryReader.Context(http.Request, user);
        var body = await BodyReader.ReadObjectAsync(http.Request, http.RequestAborted);
        if (definition.Namespaced && path.Namespace is null)
            throw StatusErrors.MethodNotAllowed();
        var stored = await core.Writer.CreateAsync(definition, path.Namespace ?? "", body, context, http.RequestAborted);
        await WriteObjectAsync(http, 201, definition, stored, context);
    }

    private async Task ReplaceAsync(HttpContext http, ResourceDefinition definition, RequestPath path, UserInfo user)
    {
        var context = QueryReader.Context(http.Request, user);
        var body = await BodyReader.ReadObjectAsync(http.Request, http.RequestAborted);
        if (definition.Custom && string.IsNullOrEmpty(Json.Text(body["metadata"]?["resourceVersion"])))
            throw StatusErrors.Invalid(definition, path.Name!,
                [FieldError.Invalid("metadata.resourceVersion", JsonValue.Create(0), "must be specified for an update")]);
        var stored = await core.ReplaceAsync(definition, path.Namespace ?? "", path.Name!, path.Subresource, body, context, http.RequestAborted);
        await WriteObjectAsync(http, 200, definition, stored, context);
    }

    private async Task PatchAsync(HttpContext http, ResourceDefinition definition, RequestPath path, UserInfo user)
    {
        var type = BodyReader.MediaType(http.Request);
        var context = QueryReader.Context(http.Request, user, applied: type == ApplyPatch);
        var patch = await BodyReader.ReadAsync(http.Request, http.RequestAborted) ?? throw StatusErrors.BadRequest("the patch is empty");
        var ns = path.Namespace ?? "";
        if (type == ApplyPatch)
        {
            if (QueryReader.Text(http.Request.Query, "fieldManager") is null)
                throw new ApiStatusException(422, "Invalid",
                    "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch");
            var body = patch as JsonObject ?? throw StatusErrors.BadRequest("the applied configuration is not an object");
            var existed = core.Store.Latest.Find(new ObjectKey(definition.Resource, ns, path.Name!)) is not null;
            var applied = await core.ApplyAsync(definition, ns, path.Name!, path.Subresource, body, context, http.RequestAborted);
            await WriteObjectAsync(http, existed ? 200 : 201, definition, applied, context);
            return;
        }
        var kind = type switch
        {
            "application/json-patch+json" => PatchKind.Json,
            "application/merge-patch+json" => PatchKind.Merge,
            "application/strategic-merge-patch+json" => PatchKind.StrategicMerge,
            _ => throw StatusErrors.UnsupportedMediaType(type,
                "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml"),
        };
        var stored = await core.PatchAsync(definition, ns, path.Name!, path.Subresource, kind, patch, context, http.RequestAborted);
        await WriteObjectAsync(http, 200, definition, stored, context);
    }

    private async Task DeleteAsync(HttpContext http, ResourceDefinition definition, RequestPath path, UserInfo user)
    {
        var (options, context) = await DeleteRequestAsync(http, user);
        var (stored, gone) = await core.Deletion.DeleteAsync(definition, path.Namespace ?? "", path.Name!, options, context, http.RequestAborted);
        if (!gone)
        {
            await WriteObjectAsync(http, 200, definition, stored, context);
            return;
        }
        await HttpJson.WriteAsync(http, 200, new JsonObject
        {
            ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success",
            ["details"] = new JsonObject
            {
                ["name"] = stored.Key.Name, ["group"] = definition.Group, ["kind"] = definition.Plural, ["uid"] = stored.Uid,
            },
        });
    }

    private async Task DeleteCollectionAsync(HttpContext http, ResourceDefinition definition, RequestPath path, UserInfo user)
    {
        if (definition.Namespaced && path.Namespace is null)
            throw StatusErrors.MethodNotAllowed();
        var (options, context) = await DeleteRequestAsync(http, user);
        var page = core.Reader.List(definition, path.Namespace, QueryReader.ListOptions(http.Request.Query, definition, null));
        var deleted = new List<StoredObject>();
        foreach (var item in page.Items)
        {
            try
            {
                deleted.Add((await core.Deletion.DeleteAsync(
                    definition, item.Key.Namespace, item.Key.Name, options, context, http.RequestAborted)).Object);
            }
            catch (ApiStatusException e) when (e.Code == 404)
            {
                // Gone already, which is what was asked for.
            }
        }
        await WriteListAsync(http, definition, new JsonObject { ["resourceVersion"] = Json.Revision(page.Revision) }, deleted);
    }

    private static async Task<(DeleteOptions Options, RequestContext Context)> DeleteRequestAsync(HttpContext http, UserInfo user)
    {
        var body = await BodyReader.ReadAsync(http.Request, http.RequestAborted) as JsonObject;
        var (options, dryRun) = QueryReader.DeleteOptions(http.Request.Query, body);
        return (options, new RequestContext { User = user, FieldManager = "", DryRun = dryRun });
    }

    // Subresources that are parts of the object, read and written by the same verbs.
    private static bool IsPart(ResourceDefinition definition, string subresource) =>
        (subresource == "status" && definition.HasStatus) || (subresource == "finalize" && definition.Resource == "namespaces");
}
