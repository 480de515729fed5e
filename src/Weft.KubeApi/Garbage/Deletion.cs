using System.Text.Json.Nodes;
using Weft.KubeApi.Apply;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Rest;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Garbage;

/// <summary>
/// Delete: at once, or as a deletionTimestamp that waits for a grace period (the node carries it out) and for finalizers. Deletion of
/// dependents is asked for by the finalizers foregroundDeletion and orphan, which <see cref="GarbageCollector"/> works off.
/// </summary>
internal sealed class Deletion(ObjectStore store, ObjectPipeline pipeline, ResourceWriter writer, TimeProvider time)
{
    /// <returns>The object as it is now, and whether it is gone.</returns>
    public async Task<(StoredObject Object, bool Gone)> DeleteAsync(
        ResourceDefinition definition, string ns, string name, DeleteOptions options, RequestContext context, CancellationToken cancel)
    {
        var key = new ObjectKey(definition.Resource, ns, name);
        while (true)
        {
            var current = store.Latest.Find(key) ?? throw StatusErrors.NotFound(definition.Resource, name);
            CheckPreconditions(definition, current, options);
            var admission = await pipeline.AdmitAsync(AdmissionOperation.Delete, definition, "", current.Clone(), current.Object, context, cancel);
            try
            {
                var next = Mark(definition, current, options);
                var gone = Finished(definition, next);
                if (context.DryRun)
                {
                    await ObjectPipeline.RollBackAsync(admission);
                    return (StoredObject.Load(key, Json.ToUtf8(next), current.Revision), gone);
                }
                if (gone)
                {
                    var last = await store.DeleteAsync(current, next);
                    await writer.CommittedAsync(definition, current, null, cancel);
                    return (last, true);
                }
                if (FieldManagers.SameExceptTimes(next, current.Object))
                    return (current, false);
                var stored = await store.UpdateAsync(current, next);
                await writer.CommittedAsync(definition, current, stored, cancel);
                return (stored, false);
            }
            catch (ApiStatusException e) when (e.Reason == "Conflict" && !ReferenceEquals(store.Latest.Find(key), current))
            {
                // Changed in between: look again, preconditions included.
                await ObjectPipeline.RollBackAsync(admission);
            }
            catch
            {
                await ObjectPipeline.RollBackAsync(admission);
                throw;
            }
        }
    }

    /// <summary>True when nothing holds an object that is being deleted: no finalizer and no grace left.</summary>
    public static bool Finished(ResourceDefinition definition, JsonObject target)
    {
        var metadata = (JsonObject)target["metadata"]!;
        return metadata["deletionTimestamp"] is not null
            && (Json.Integer(metadata["deletionGracePeriodSeconds"]) ?? 0) == 0
            && metadata["finalizers"] is not JsonArray { Count: > 0 }
            && !NamespaceLifecycle.HoldsContent(definition, target);
    }

    private JsonObject Mark(ResourceDefinition definition, StoredObject current, DeleteOptions options)
    {
        var next = current.Clone();
        var metadata = (JsonObject)next["metadata"]!;
        SetFinalizers(metadata, options.PropagationPolicy);
        var terminating = metadata["deletionTimestamp"] is not null;
        var grace = Grace(definition, current, options);
        if (terminating && (Json.Integer(metadata["deletionGracePeriodSeconds"]) ?? 0) <= grace)
            return next;
        metadata["deletionTimestamp"] = Json.Time(time.GetUtcNow().AddSeconds(grace));
        metadata["deletionGracePeriodSeconds"] = grace;
        if (!terminating && definition.HasGeneration && Json.Integer(metadata["generation"]) is { } generation)
            metadata["generation"] = generation + 1;
        NamespaceLifecycle.MarkTerminating(definition, next);
        return next;
    }

    // The kind decides whether there is anything to be graceful about: an unscheduled pod has nobody to end it.
    private static int Grace(ResourceDefinition definition, StoredObject current, DeleteOptions options)
    {
        var own = definition.DefaultGracePeriodSeconds?.Invoke(current.Object) ?? 0;
        return own == 0 ? 0 : Math.Max(0, options.GracePeriodSeconds ?? own);
    }

    private static void SetFinalizers(JsonObject metadata, string? policy)
    {
        if (policy is null)
            return;
        var finalizers = Json.Strings(metadata["finalizers"]).Where(f => f is not (GarbageCollector.Orphan or GarbageCollector.Foreground)).ToList();
        if (policy == "Orphan")
            finalizers.Add(GarbageCollector.Orphan);
        else if (policy == "Foreground")
            finalizers.Add(GarbageCollector.Foreground);
        else if (policy != "Background")
            throw StatusErrors.BadRequest($"DeleteOptions.propagationPolicy: found \"{policy}\", expected Foreground, Background or Orphan");
        if (finalizers.Count > 0)
            metadata["finalizers"] = Json.Strings(finalizers);
        else
            metadata.Remove("finalizers");
    }

    private static void CheckPreconditions(ResourceDefinition definition, StoredObject current, DeleteOptions options)
    {
        if (options.PreconditionUid is { } uid && uid != current.Uid)
            throw StatusErrors.Conflict(definition.Resource, current.Key.Name,
                $"Precondition failed: UID in precondition: {uid}, UID in object meta: {current.Uid}");
        var version = Json.Text(current.Metadata["resourceVersion"]);
        if (options.PreconditionResourceVersion is { } expected && expected != version)
            throw StatusErrors.Conflict(definition.Resource, current.Key.Name,
                $"Precondition failed: ResourceVersion in precondition: {expected}, ResourceVersion in object meta: {version}");
    }
}
