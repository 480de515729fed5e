using System.Text.Json.Nodes;

namespace Weft.KubeApi.Schemas;

/// <summary>Fills defaults written in a structural schema (apiextensions-apiserver/pkg/apiserver/schema/defaulting).</summary>
internal static class SchemaDefaults
{
    /// <param name="emptyIsAbsent">True for built-in kinds, whose Go types hold "" for an absent string.</param>
    public static void Apply(JsonNode? node, StructuralSchema schema, bool emptyIsAbsent = false)
    {
        switch (node)
        {
            case JsonObject target:
                foreach (var (name, property) in schema.Properties)
                {
                    // A null where null is not allowed is replaced by the default; elsewhere it is a value.
                    if (property.Default is { } fallback && IsAbsent(target, name, property, emptyIsAbsent))
                        target[name] = fallback.DeepClone();
                }
                foreach (var (name, value) in target)
                {
                    if (schema.Property(name) is { } property)
                        Apply(value, property, emptyIsAbsent);
                }
                break;
            case JsonArray list when schema.Items is { } items:
                foreach (var item in list)
                    Apply(item, items, emptyIsAbsent);
                break;
        }
    }

    private static bool IsAbsent(JsonObject target, string name, StructuralSchema schema, bool emptyIsAbsent)
    {
        if (!target.TryGetPropertyValue(name, out var value))
            return true;
        return value is null ? !schema.Nullable : emptyIsAbsent && Json.Text(value) is "";
    }
}
