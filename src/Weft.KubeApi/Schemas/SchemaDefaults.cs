using System.Text.Json.Nodes;

namespace Weft.KubeApi.Schemas;

/// <summary>Fills defaults written in a structural schema (apiextensions-apiserver/pkg/apiserver/schema/defaulting).</summary>
internal static class SchemaDefaults
{
    public static void Apply(JsonNode? node, StructuralSchema schema)
    {
        switch (node)
        {
            case JsonObject target:
                foreach (var (name, property) in schema.Properties)
                {
                    // A null where null is not allowed is replaced by the default; elsewhere it is a value.
                    if (property.Default is { } fallback && (!target.ContainsKey(name) || (target[name] is null && !property.Nullable)))
                        target[name] = fallback.DeepClone();
                }
                foreach (var (name, value) in target)
                {
                    if (schema.Property(name) is { } property)
                        Apply(value, property);
                }
                break;
            case JsonArray list when schema.Items is { } items:
                foreach (var item in list)
                    Apply(item, items);
                break;
        }
    }
}
