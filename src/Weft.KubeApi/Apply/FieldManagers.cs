using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Rest;
using Weft.KubeApi.Schemas;

namespace Weft.KubeApi.Apply;

/// <summary>Keeps metadata.managedFields true to who wrote what, for writes other than server-side apply.</summary>
internal sealed class FieldManagers(SchemaSet schemas, TimeProvider time)
{
    /// <summary>Gives what changed between two states to the writer, and takes it, with what is gone, from everybody else.</summary>
    public void Update(ResourceDefinition definition, JsonObject? old, JsonObject next, RequestContext context, string subresource)
    {
        // A body without the list says nothing of it; an empty list, or one of an empty entry, resets it.
        var metadata = (JsonObject)next["metadata"]!;
        var entries = ManagedFields.Read(metadata["managedFields"] is null ? old?["metadata"] : metadata);
        var schema = schemas.Of(definition);
        var changed = (old is null ? TypedValue.Fields(next, schema) : TypedValue.Changes(old, next, schema)).Minus(ManagedFields.Stripped);
        var removed = old is null
            ? new FieldSet()
            : TypedValue.Fields(old, schema).Minus(TypedValue.Fields(next, schema)).Minus(ManagedFields.Stripped);
        var now = Json.Time(time.GetUtcNow());
        var mine = new ManagerEntry(context.FieldManager, "Update", definition.ApiVersion, subresource, now, new FieldSet());
        var taken = changed.Union(removed);
        var found = false;
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            var own = entry.IsSameManager(mine);
            found |= own;
            var fields = own ? entry.Fields.Minus(removed).Union(changed) : entry.Fields.Minus(taken);
            if (own && !changed.IsEmpty)
                entry = entry with { Time = now };
            entries[i] = entry with { Fields = fields };
        }
        if (!found && !changed.IsEmpty)
            entries.Add(mine with { Fields = changed });
        ManagedFields.Write(next, entries);
    }

    /// <summary>True when two objects differ at most in when managers wrote.</summary>
    public static bool SameExceptTimes(JsonObject left, JsonObject right)
    {
        if (Json.Same(left, right))
            return true;
        if (left["metadata"]?["managedFields"] is null && right["metadata"]?["managedFields"] is null)
            return false;
        return Json.Same(WithoutTimes(left), WithoutTimes(right));
    }

    public string Now() => Json.Time(time.GetUtcNow());

    private static JsonNode WithoutTimes(JsonObject target)
    {
        var copy = target.DeepClone();
        if (copy["metadata"]?["managedFields"] is JsonArray entries)
        {
            foreach (var entry in entries.OfType<JsonObject>())
                entry.Remove("time");
        }
        return copy;
    }
}
