using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Rest;
using Weft.KubeApi.Schemas;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Apply;

/// <summary>
/// Server-side apply: a manager states the fields that it wants, owns them from then on, loses the ones that it states no more, and
/// conflicts with whoever else owns a field that it would change.
/// </summary>
internal sealed class ServerSideApply(ObjectStore store, ResourceWriter writer, SchemaSet schemas, FieldManagers managers)
{
    public async Task<StoredObject> ApplyAsync(
        ResourceDefinition definition, string ns, string name, string subresource, JsonObject body, RequestContext context, CancellationToken cancel)
    {
        Prepare(definition, ns, name, body);
        var key = new ObjectKey(definition.Resource, ns, name);
        if (store.Latest.Find(key) is null)
        {
            if (subresource.Length > 0)
                throw StatusErrors.NotFound(definition.Resource, name);
            try
            {
                var created = (JsonObject)body.DeepClone();
                ManagedFields.Write(created, [Entry(definition, subresource, context, Stated(definition, subresource, body))]);
                return await writer.CreateAsync(definition, ns, created, context, cancel);
            }
            catch (ApiStatusException e) when (e.Reason == "AlreadyExists")
            {
                // Created in between: it is there now, to be applied to.
            }
        }
        return await writer.UpdateAsync(definition, ns, name, subresource,
            current => Merge(definition, subresource, current, body, context), context, cancel);
    }

    private static void Prepare(ResourceDefinition definition, string ns, string name, JsonObject body)
    {
        if (string.IsNullOrEmpty(Json.Text(body["apiVersion"])) || string.IsNullOrEmpty(Json.Text(body["kind"])))
            throw StatusErrors.BadRequest("apiVersion and kind must be set in an applied configuration");
        var metadata = Json.Child(body, "metadata");
        if (metadata["managedFields"] is not null)
            throw StatusErrors.BadRequest("metadata.managedFields must be nil in an applied configuration");
        if (Json.Text(metadata["name"]) is { Length: > 0 } stated && stated != name)
            throw StatusErrors.BadRequest($"the name of the object ({stated}) does not match the name on the URL ({name})");
        metadata["name"] = name;
        if (definition.Namespaced)
            metadata["namespace"] ??= ns;
    }

    private JsonObject Merge(
        ResourceDefinition definition, string subresource, StoredObject current, JsonObject body, RequestContext context)
    {
        var schema = schemas.Of(definition);
        var live = current.Clone();
        live["apiVersion"] = definition.ApiVersion;
        var entries = ManagedFields.Read(live["metadata"]);
        var stated = Stated(definition, subresource, body);
        var mine = Entry(definition, subresource, context, stated);

        var merged = (JsonObject)TypedValue.Merge(live, body, schema)!;
        // Fields whose value this would change: what it states and others own of them is in conflict.
        var changed = TypedValue.Changes(live, merged, schema).Intersect(stated);
        var others = entries.Where(e => !e.IsSameManager(mine)).ToList();
        var conflicts = others.Select(e => (Entry: e, Fields: e.Fields.Intersect(changed))).Where(c => !c.Fields.IsEmpty).ToArray();
        if (conflicts.Length > 0 && !context.Force)
            throw Conflict(conflicts.SelectMany(c => c.Fields.Paths().Select(path => (c.Entry, path))).ToArray());

        var last = entries.FirstOrDefault(e => e.IsSameManager(mine));
        if (last is not null)
        {
            var kept = others.Aggregate(stated, (set, e) => set.Union(e.Fields));
            TypedValue.Remove(merged, last.Fields.Minus(stated), kept, schema);
        }
        others = others.ConvertAll(e => e with { Fields = e.Fields.Minus(changed) });
        var same = last is not null && last.Fields.Minus(stated).IsEmpty && stated.Minus(last.Fields).IsEmpty && changed.IsEmpty;
        ManagedFields.Write(merged, [.. others, same ? last! : mine]);
        if (string.IsNullOrEmpty(Json.Text(body["metadata"]!["resourceVersion"])))
            ((JsonObject)merged["metadata"]!).Remove("resourceVersion");
        return merged;
    }

    private FieldSet Stated(ResourceDefinition definition, string subresource, JsonObject body)
    {
        var fields = TypedValue.Fields(body, schemas.Of(definition)).Minus(ManagedFields.Stripped);
        var only = new FieldSet();
        // Of a status only the status counts, and of the object everything else.
        if (subresource == "status")
            only.Set("f:status", fields.Find("f:status") ?? new FieldSet());
        else if (definition.HasStatus)
            only = fields.Minus(Below("f:status", fields));
        else
            only = fields;
        return only;
    }

    private static FieldSet Below(string element, FieldSet fields)
    {
        var set = new FieldSet();
        if (fields.Find(element) is { } child)
            set.Set(element, child);
        return set;
    }

    private ManagerEntry Entry(ResourceDefinition definition, string subresource, RequestContext context, FieldSet fields) =>
        new(context.FieldManager, "Apply", definition.ApiVersion, subresource, managers.Now(), fields);

    private static ApiStatusException Conflict((ManagerEntry Entry, string Path)[] conflicts)
    {
        var causes = new JsonArray(conflicts.Select(c => (JsonNode)new JsonObject
        {
            ["reason"] = "FieldManagerConflict", ["message"] = $"conflict with {c.Entry.Describe()}", ["field"] = c.Path,
        }).ToArray());
        var message = conflicts.Length == 1
            ? $"Apply failed with 1 conflict: conflict with {conflicts[0].Entry.Describe()}: {conflicts[0].Path}"
            : $"Apply failed with {conflicts.Length} conflicts: " + string.Join("\n", conflicts.GroupBy(c => c.Entry.Describe())
                .OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => $"conflicts with {g.Key}:\n" + string.Join("\n", g.Select(c => "- " + c.Path))));
        return new ApiStatusException(409, "Conflict", message, new JsonObject { ["causes"] = causes });
    }
}
