using System.Text.Json.Nodes;
using Weft.KubeApi.Apply;
using Weft.KubeApi.Client;
using Weft.KubeApi.Garbage;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Patch;
using Weft.KubeApi.Schemas;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Rest;

/// <summary>The verbs, as HTTP and the in-process client both call them.</summary>
internal sealed class ApiCore
{
    private readonly FieldManagers _managers;

    public ApiCore(ResourceRegistry registry, ObjectStore store, ApiServerOptions options)
    {
        Registry = registry;
        Store = store;
        Time = options.TimeProvider;
        Schemas = new SchemaSet(registry);
        Client = new InProcessClient(this);
        _managers = new FieldManagers(Schemas, Time);
        var pipeline = new ObjectPipeline(Schemas, options.Admission, () => Client);
        Reader = new ResourceReader(store, Time, options.BookmarkInterval);
        Writer = new ResourceWriter(store, pipeline, _managers, Time, () => Client);
        Deletion = new Deletion(store, pipeline, Writer, Time);
    }

    public ResourceRegistry Registry { get; }

    public ObjectStore Store { get; }

    public TimeProvider Time { get; }

    public SchemaSet Schemas { get; }

    public IApiClient Client { get; }

    public ResourceReader Reader { get; }

    public ResourceWriter Writer { get; }

    public Deletion Deletion { get; }

    public Task<StoredObject> ReplaceAsync(
        ResourceDefinition definition, string ns, string name, string subresource, JsonObject body, RequestContext context, CancellationToken cancel) =>
        Writer.UpdateAsync(definition, ns, name, subresource, _ => (JsonObject)body.DeepClone(), context, cancel);

    public Task<StoredObject> PatchAsync(
        ResourceDefinition definition, string ns, string name, string subresource, PatchKind kind, JsonNode patch, RequestContext context,
        CancellationToken cancel)
    {
        if (kind == PatchKind.StrategicMerge && !definition.StrategicMerge)
            throw StatusErrors.UnsupportedMediaType("application/strategic-merge-patch+json",
                "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
        var schema = Schemas.Of(definition);
        return Writer.UpdateAsync(definition, ns, name, subresource, current =>
        {
            var target = current.Clone();
            // What is patched is the version that was asked for, not the one that was written.
            target["apiVersion"] = definition.ApiVersion;
            var version = Json.Text(target["metadata"]!["resourceVersion"]);
            var result = PatchObject(target, kind, patch, schema);
            // A patch that leaves the version alone did not mean to pin it.
            if (Json.Child(result, "metadata") is { } metadata && Json.Text(metadata["resourceVersion"]) == version && !Pins(kind, patch))
                metadata.Remove("resourceVersion");
            return result;
        }, context, cancel);
    }

    /// <summary>Server-side apply: creates what is not there, merges into what is, by ownership of fields.</summary>
    public Task<StoredObject> ApplyAsync(
        ResourceDefinition definition, string ns, string name, string subresource, JsonObject body, RequestContext context, CancellationToken cancel) =>
        new ServerSideApply(Store, Writer, Schemas, _managers).ApplyAsync(definition, ns, name, subresource, body, context, cancel);

    public static JsonObject PatchObject(JsonObject target, PatchKind kind, JsonNode patch, StructuralSchema? schema) => kind switch
    {
        PatchKind.Json => JsonPatch.Apply(target, patch),
        PatchKind.Merge => MergePatch.Apply(target, AsObject(patch)),
        _ => StrategicMergePatch.Apply(target, AsObject(patch), schema),
    };

    private static bool Pins(PatchKind kind, JsonNode patch) =>
        kind != PatchKind.Json && !string.IsNullOrEmpty(Json.Text((patch as JsonObject)?["metadata"]?["resourceVersion"]));

    private static JsonObject AsObject(JsonNode patch) =>
        patch as JsonObject ?? throw StatusErrors.BadRequest("the patch is not a JSON object");
}
