using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Rest;
using Weft.KubeApi.Schemas;

namespace Weft.KubeApi.Apply;

/// <summary>metadata.managedFields.</summary>
internal sealed class FieldManagers(SchemaSet schemas, TimeProvider time)
{
    public void Update(ResourceDefinition definition, JsonObject? old, JsonObject next, RequestContext context, string subresource)
    {
        _ = schemas;
        _ = time;
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
