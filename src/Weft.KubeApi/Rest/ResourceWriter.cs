using System.Text.Json.Nodes;
using Weft.KubeApi.Apply;
using Weft.KubeApi.Client;
using Weft.KubeApi.Garbage;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Rest;

/// <summary>Create and update: the objects themselves and their subresources that are parts of them.</summary>
internal sealed class ResourceWriter(
    ObjectStore store, ObjectPipeline pipeline, FieldManagers managers, TimeProvider time, Func<IApiClient> client)
{
    // A retry of a write without a resourceVersion happens when somebody else wrote in between; five lost races in a row are a conflict.
    private const int Retries = 5;

    public async Task<StoredObject> CreateAsync(
        ResourceDefinition definition, string ns, JsonObject body, RequestContext context, CancellationToken cancel)
    {
        pipeline.Decode(definition, body, context);
        var metadata = (JsonObject)body["metadata"]!;
        PlaceInNamespace(definition, metadata, ns);
        if (!string.IsNullOrEmpty(Json.Text(metadata["resourceVersion"])))
            throw StatusErrors.BadRequest("resourceVersion should not be set on objects to be created");
        if (definition.Namespaced)
            NamespaceLifecycle.CheckOpen(store.Latest, definition, ns, Json.Text(metadata["name"]) ?? "");

        var generate = string.IsNullOrEmpty(Json.Text(metadata["name"])) ? Json.Text(metadata["generateName"]) : null;
        for (var attempt = 0; ; attempt++)
        {
            var next = generate is null ? body : (JsonObject)body.DeepClone();
            if (generate is { Length: > 0 })
                next["metadata"]!["name"] = GeneratedName.From(generate);
            try
            {
                return await CreateOnceAsync(definition, ns, next, context, cancel);
            }
            catch (ApiStatusException e) when (e.Reason == "AlreadyExists" && generate is { Length: > 0 } && attempt < 8)
            {
                // Another name is as good.
            }
        }
    }

    /// <param name="change">From the stored object (read-only) to what it shall be; runs again after a lost race.</param>
    /// <param name="subresource">Empty for the object, else <c>status</c> or <c>finalize</c>.</param>
    public async Task<StoredObject> UpdateAsync(
        ResourceDefinition definition, string ns, string name, string subresource, Func<StoredObject, JsonObject> change,
        RequestContext context, CancellationToken cancel)
    {
        var key = new ObjectKey(definition.Resource, ns, name);
        for (var attempt = 0; ; attempt++)
        {
            var current = store.Latest.Find(key) ?? throw StatusErrors.NotFound(definition.Resource, name);
            var body = change(current);
            var metadata = Json.Child(body, "metadata");
            var pinned = Json.Text(metadata["resourceVersion"]);
            if (!string.IsNullOrEmpty(pinned) && pinned != Json.Text(current.Metadata["resourceVersion"]))
                throw StatusErrors.Conflict(definition.Resource, name);
            if (Json.Text(metadata["uid"]) is { Length: > 0 } uid && uid != current.Uid)
                throw StatusErrors.Conflict(definition.Resource, name,
                    $"Precondition failed: UID in precondition: {uid}, UID in object meta: {current.Uid}");
            try
            {
                return await UpdateOnceAsync(definition, subresource, current, body, context, cancel);
            }
            catch (ApiStatusException e) when (e.Reason == "Conflict" && attempt < Retries
                && string.IsNullOrEmpty(pinned) && !ReferenceEquals(store.Latest.Find(key), current))
            {
                // Somebody else was faster, and the caller did not say which version it meant.
            }
        }
    }

    private async Task<StoredObject> CreateOnceAsync(
        ResourceDefinition definition, string ns, JsonObject next, RequestContext context, CancellationToken cancel)
    {
        var metadata = (JsonObject)next["metadata"]!;
        foreach (var field in (ReadOnlySpan<string>)["deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion", "selfLink"])
            metadata.Remove(field);
        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = Json.Time(time.GetUtcNow());
        if (definition.HasGeneration)
            metadata["generation"] = 1;
        if (definition.HasStatus)
            next.Remove("status");
        pipeline.Default(definition, next);
        definition.PrepareForCreate?.Invoke(next);
        NamespaceLifecycle.PrepareForCreate(definition, next);

        var admission = await pipeline.AdmitAsync(AdmissionOperation.Create, definition, "", next, null, context, cancel);
        try
        {
            pipeline.Validate(definition, "", next, null);
            if (!context.Applied)
                managers.Update(definition, null, next, context, "");
            var key = new ObjectKey(definition.Resource, ns, Json.Text(metadata["name"])!);
            if (context.DryRun)
            {
                if (store.Latest.Find(key) is not null)
                    throw StatusErrors.AlreadyExists(key.Resource, key.Name);
                await ObjectPipeline.RollBackAsync(admission);
                return StoredObject.Load(key, Json.ToUtf8(next), 0);
            }
            var stored = await store.CreateAsync(key, next, state =>
            {
                if (definition.Namespaced)
                    NamespaceLifecycle.CheckOpen(state, definition, ns, key.Name);
            });
            await CommittedAsync(definition, null, stored, cancel);
            return stored;
        }
        catch
        {
            await ObjectPipeline.RollBackAsync(admission);
            throw;
        }
    }

    private async Task<StoredObject> UpdateOnceAsync(
        ResourceDefinition definition, string subresource, StoredObject current, JsonObject body, RequestContext context,
        CancellationToken cancel)
    {
        pipeline.Decode(definition, body, context);
        PlaceInNamespace(definition, (JsonObject)body["metadata"]!, current.Key.Namespace);
        if (Json.Text(body["metadata"]!["name"]) is { Length: > 0 } name && name != current.Key.Name)
            throw StatusErrors.BadRequest($"the name of the object ({name}) does not match the name on the URL ({current.Key.Name})");
        var old = current.Object;
        var next = Compose(definition, subresource, current, body);
        pipeline.Default(definition, next);
        if (subresource.Length == 0)
        {
            definition.PrepareForUpdate?.Invoke(next, old);
            if (definition.HasGeneration && SpecChanged(next, old))
                next["metadata"]!["generation"] = (Json.Integer(old["metadata"]!["generation"]) ?? 0) + 1;
        }

        var admission = await pipeline.AdmitAsync(AdmissionOperation.Update, definition, subresource, next, old, context, cancel);
        try
        {
            pipeline.Validate(definition, subresource, next, old);
            if (!context.Applied)
                managers.Update(definition, old, next, context, subresource);
            next["metadata"]!["resourceVersion"] = old["metadata"]!["resourceVersion"]!.DeepClone();
            if (FieldManagers.SameExceptTimes(next, old))
            {
                await ObjectPipeline.RollBackAsync(admission);
                return current;
            }
            if (context.DryRun)
            {
                await ObjectPipeline.RollBackAsync(admission);
                return StoredObject.Load(current.Key, Json.ToUtf8(next), current.Revision);
            }
            var gone = Deletion.Finished(definition, next);
            var stored = gone ? await store.DeleteAsync(current, next) : await store.UpdateAsync(current, next);
            await CommittedAsync(definition, current, gone ? null : stored, cancel);
            return stored;
        }
        catch
        {
            await ObjectPipeline.RollBackAsync(admission);
            throw;
        }
    }

    internal async ValueTask CommittedAsync(ResourceDefinition definition, StoredObject? old, StoredObject? now, CancellationToken cancel)
    {
        if (definition.Committed is { } committed)
            await committed(new CommittedChange(definition, old?.Object, now?.Object, client(), Replay: false), cancel);
    }

    // What a write to the object, or to one of its parts, may change.
    private static JsonObject Compose(ResourceDefinition definition, string subresource, StoredObject current, JsonObject body)
    {
        var old = current.Object;
        var next = body;
        switch (subresource)
        {
            case "":
                if (definition.HasStatus)
                    Take(next, old, "status");
                break;
            case "status":
                next = current.Clone();
                Take(next, body, "status");
                break;
            case "finalize":
                next = current.Clone();
                Take(Json.Child(next, "spec"), body["spec"] as JsonObject ?? [], "finalizers");
                break;
            default:
                throw StatusErrors.NoSuchPath();
        }
        next["apiVersion"] = definition.ApiVersion;
        next["kind"] = definition.Kind;
        var metadata = Json.Child(next, "metadata");
        var oldMetadata = current.Metadata;
        foreach (var field in (ReadOnlySpan<string>)
            ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName", "selfLink"])
            Take(metadata, oldMetadata, field);
        // The body carries the managers that its writer saw (or none, to reset them, as an empty list).
        if (subresource.Length > 0)
            Take(metadata, body["metadata"] as JsonObject ?? [], "managedFields");
        return next;
    }

    private static void Take(JsonObject target, JsonObject source, string field)
    {
        if (source[field] is { } value)
            target[field] = value.DeepClone();
        else
            target.Remove(field);
    }

    private static bool SpecChanged(JsonObject next, JsonObject old)
    {
        bool Counts(string field) => field is not ("metadata" or "status" or "apiVersion" or "kind");
        foreach (var (field, value) in next)
        {
            if (Counts(field) && !Json.Same(value, old[field]))
                return true;
        }
        foreach (var (field, _) in old)
        {
            if (Counts(field) && !next.ContainsKey(field))
                return true;
        }
        return false;
    }

    private static void PlaceInNamespace(ResourceDefinition definition, JsonObject metadata, string ns)
    {
        var named = Json.Text(metadata["namespace"]) ?? "";
        if (named.Length > 0 && named != ns)
        {
            throw StatusErrors.BadRequest(definition.Namespaced
                ? $"the namespace of the provided object does not match the namespace sent on the request: {named} is not {ns}"
                : $"namespace \"{named}\" should not be set on {definition.Kind}, which is cluster-scoped");
        }
        if (definition.Namespaced)
            metadata["namespace"] = ns;
        else
            metadata.Remove("namespace");
    }
}
