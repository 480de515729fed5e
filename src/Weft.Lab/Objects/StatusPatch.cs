using System.Text.Json.Nodes;

namespace Weft.Lab.Objects;

/// <summary>What must be written for one object to become another.</summary>
internal static class StatusPatch
{
    /// <summary>A JSON merge patch (RFC 7396) from one to the other, or null when they are equal.</summary>
    public static JsonObject? Between(JsonObject? from, JsonObject to)
    {
        var patch = new JsonObject();
        foreach (var (key, value) in to)
        {
            var old = from?[key];
            if (old is null && value is null)
                continue;
            if (old is JsonObject oldObject && value is JsonObject newObject)
            {
                if (Between(oldObject, newObject) is { } inner)
                    patch[key] = inner;
            }
            else if (!JsonNode.DeepEquals(old, value))
            {
                patch[key] = value?.DeepClone();
            }
        }

        if (from is not null)
        {
            foreach (var (key, value) in from)
            {
                if (value is not null && !to.ContainsKey(key))
                    patch[key] = null;
            }
        }

        return patch.Count == 0 ? null : patch;
    }
}
