using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Schemas;

/// <summary>What decoding found: fields that were dropped, and values of the wrong type.</summary>
internal sealed class DecodeReport
{
    /// <summary>Paths of fields that the schema does not know.</summary>
    public List<string> Unknown { get; } = [];

    public List<FieldError> TypeErrors { get; } = [];
}

/// <summary>
/// Brings an object into the form of its schema: unknown fields go (and are reported), null stands for absent, types are checked.
/// For built-in kinds this is what decoding into Go types does in Kubernetes; for custom ones it is pruning
/// (apiextensions-apiserver/pkg/apiserver/schema/pruning).
/// </summary>
internal static class ObjectDecoder
{
    public static DecodeReport Decode(JsonObject target, StructuralSchema schema, bool custom)
    {
        var report = new DecodeReport();
        VisitObject(target, schema, "", custom, report);
        return report;
    }

    private static void Visit(JsonNode node, StructuralSchema schema, string path, bool custom, DecodeReport report)
    {
        if (schema.IntOrString)
        {
            if (node.GetValueKind() is not (JsonValueKind.String or JsonValueKind.Number))
                Mismatch(node, path, "integer,string", report);
            return;
        }
        switch (node)
        {
            case JsonObject child when schema.Type is null or "object":
                VisitObject(child, schema, path, custom, report);
                break;
            case JsonArray list when schema.Type is null or "array":
                VisitArray(list, schema, path, custom, report);
                break;
            case JsonValue value when schema.Type is null || ScalarFits(value, schema.Type):
                break;
            default:
                Mismatch(node, path, schema.Type ?? "object", report);
                break;
        }
    }

    private static void VisitObject(JsonObject target, StructuralSchema schema, string path, bool custom, DecodeReport report)
    {
        if (schema.Free)
            return;
        // "type: object" alone is a free-form object in the built-in kinds (RawExtension), an empty one in a structural schema.
        var keepUnknown = schema.PreserveUnknown
            || (!custom && schema.Properties.Count == 0 && schema.Raw["additionalProperties"] is not JsonObject);
        List<string>? drop = null;
        foreach (var (name, value) in target)
        {
            var child = Step(path, name, schema.Properties.ContainsKey(name));
            var property = schema.Property(name);
            if (property is null && schema.Embedded && name is "apiVersion" or "kind" or "metadata")
                continue;
            if (property is null)
            {
                if (keepUnknown || schema.Raw["additionalProperties"] is JsonValue)
                    continue;
                report.Unknown.Add(child);
                (drop ??= []).Add(name);
            }
            else if (value is null)
            {
                if (!(property.Nullable && custom) && !property.Free)
                    (drop ??= []).Add(name);
            }
            else
            {
                Visit(value, property, child, custom, report);
            }
        }
        foreach (var name in drop ?? [])
            target.Remove(name);
    }

    private static void VisitArray(JsonArray list, StructuralSchema schema, string path, bool custom, DecodeReport report)
    {
        if (schema.Items is not { } items)
            return;
        for (var i = 0; i < list.Count; i++)
        {
            var child = $"{path}[{i.ToString(CultureInfo.InvariantCulture)}]";
            if (list[i] is { } item)
                Visit(item, items, child, custom, report);
            else if (!items.Nullable && items.Type is not null)
                report.TypeErrors.Add(new FieldError(child, FieldErrorReason.TypeInvalid, $"must be of type {items.Type}: \"null\""));
        }
    }

    private static bool ScalarFits(JsonValue value, string type) => value.GetValueKind() switch
    {
        JsonValueKind.String => type == "string",
        JsonValueKind.True or JsonValueKind.False => type == "boolean",
        JsonValueKind.Number => type == "number" || (type == "integer" && IsInteger(value)),
        _ => false,
    };

    private static bool IsInteger(JsonValue value) =>
        Json.Integer(value) is not null || (value.TryGetValue<double>(out var number) && Math.Floor(number) == number);

    private static void Mismatch(JsonNode node, string path, string type, DecodeReport report)
    {
        var got = node.GetValueKind() switch
        {
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            JsonValueKind.Number => node is JsonValue value && IsInteger(value) ? "integer" : "number",
            JsonValueKind.True or JsonValueKind.False => "boolean",
            _ => "string",
        };
        report.TypeErrors.Add(new FieldError(
            path, FieldErrorReason.TypeInvalid, $"{path} in body must be of type {type}: \"{got}\"", JsonValue.Create(got)));
    }

    private static string Step(string path, string name, bool known)
    {
        // Map keys are quoted with brackets, as field.Path.Key does; fields are dotted.
        if (!known && path.Length > 0 && name.AsSpan().IndexOfAny('.', '/') >= 0)
            return $"{path}[{name}]";
        return path.Length == 0 ? name : $"{path}.{name}";
    }
}
