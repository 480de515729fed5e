using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Schemas;

/// <summary>What decoding does with an object by its schema: mistyped fields, unknown fields, pruning and defaults.</summary>
public static class SchemaFields
{
    /// <summary>Fields of every object and embedded resource, whatever a custom resource's schema says of them.</summary>
    private static readonly string[] TypeFields = ["apiVersion", "kind", "metadata"];

    /// <summary>
    /// The first mistyped field in the words of Go's JSON decoder, as a built-in kind's refusal (400) quotes it; null when all types fit.
    /// Null stands for absent, as it does for Go.
    /// </summary>
    public static string? DecodeError(JsonNode value, Schema schema) => DecodeError(value, schema, "", "");

    /// <summary>Paths of fields that the schema does not know, such as <c>spec.ingress[0].fromm</c>.</summary>
    public static IReadOnlyList<string> Unknown(JsonNode value, Schema schema)
    {
        var unknown = new List<string>();
        Walk(value, schema, "", unknown, remove: false, root: true);
        return unknown;
    }

    /// <summary>Removes fields that the schema does not know; returns their paths.</summary>
    public static IReadOnlyList<string> Prune(JsonNode value, Schema schema)
    {
        var unknown = new List<string>();
        Walk(value, schema, "", unknown, remove: true, root: true);
        return unknown;
    }

    /// <summary>
    /// Fills in the schema's defaults wherever the parent exists. A null in a field that is not nullable and has a default counts as absent
    /// (kubernetes.io, "Defaulting and Nullable").
    /// </summary>
    /// <param name="emptyIsAbsent">True for built-in kinds, whose Go types hold "" for an absent string.</param>
    public static void ApplyDefaults(JsonNode value, Schema schema, bool emptyIsAbsent = false)
    {
        switch (value)
        {
            case JsonObject obj:
                if (schema.Properties is { } properties)
                {
                    foreach (var (key, property) in properties)
                    {
                        if (property.Default is { } fallback && IsAbsent(obj, key, property, emptyIsAbsent))
                            obj[key] = fallback.DeepClone();
                    }
                }
                foreach (var (key, item) in obj)
                {
                    if (item is JsonObject or JsonArray && schema.Property(key) is { } known)
                        ApplyDefaults(item, known, emptyIsAbsent);
                }
                break;
            case JsonArray array when schema.Items is { } items:
                foreach (var item in array)
                {
                    if (item is not null)
                        ApplyDefaults(item, items, emptyIsAbsent);
                }
                break;
        }
    }

    private static bool IsAbsent(JsonObject obj, string key, Schema schema, bool emptyIsAbsent)
    {
        if (!obj.TryGetPropertyValue(key, out var found))
            return true;
        return found is null ? !schema.Nullable : emptyIsAbsent && found.AsText() is "";
    }

    private static void Walk(JsonNode? value, Schema schema, string path, List<string> unknown, bool remove, bool root)
    {
        switch (value)
        {
            case JsonObject obj:
                if (schema.Properties is null && schema.AdditionalProperties is null && schema.Type != "object")
                    return;
                WalkObject(obj, schema, path, unknown, remove, root || schema.EmbeddedResource);
                break;
            case JsonArray array when schema.Items is { } items:
                for (var i = 0; i < array.Count; i++)
                    Walk(array[i], items, $"{path}[{i}]", unknown, remove, root: false);
                break;
        }
    }

    private static void WalkObject(JsonObject obj, Schema schema, string path, List<string> unknown, bool remove, bool typed)
    {
        List<string>? gone = null;
        foreach (var (key, item) in obj)
        {
            if (schema.Property(key) is { } known)
            {
                Walk(item, known, SchemaValidator.Join(path, key), unknown, remove, root: false);
            }
            else if (!schema.PreserveUnknownFields && !(typed && TypeFields.Contains(key)))
            {
                unknown.Add(SchemaValidator.Join(path, key));
                (gone ??= []).Add(key);
            }
        }
        if (!remove || gone is null)
            return;
        foreach (var key in gone)
            obj.Remove(key);
    }

    private static string? DecodeError(JsonNode? value, Schema schema, string owner, string path)
    {
        if (value is null)
            return null;
        if (!SchemaValidator.TypeFits(value, schema))
            return $"json: cannot unmarshal {Found(value)} into Go struct field {owner}.{path.TrimStart('.')} of type {GoType(schema)}";
        switch (value)
        {
            case JsonObject obj:
                foreach (var (key, item) in obj)
                {
                    if (schema.Property(key) is { } known && DecodeError(item, known, schema.ShortName ?? owner, $"{path}.{key}") is { } error)
                        return error;
                }
                return null;
            case JsonArray array when schema.Items is { } items:
                return array.Select(item => DecodeError(item, items, owner, path)).FirstOrDefault(error => error is not null);
            default:
                return value.AsText() is { } text ? TextError(text, schema) : null;
        }
    }

    private static string? TextError(string text, Schema schema) => schema.Format switch
    {
        "date-time" when !DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out _) =>
            $"parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\"",
        "byte" when !Convert.TryFromBase64String(text, new byte[text.Length * 3 / 4 + 3], out _) => $"illegal base64 data in \"{text}\"",
        "quantity" when !Quantity.TryParse(text, out _) => $"quantities must match the regular expression '{Quantity.Grammar}'",
        _ => null,
    };

    private static string Found(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.String => "string",
        JsonValueKind.Number => "number" + (value.AsInteger() is null || value.AsInteger() is not (>= int.MinValue and <= int.MaxValue) ? " " + value.ToJsonString() : ""),
        JsonValueKind.True or JsonValueKind.False => "bool",
        JsonValueKind.Array => "array",
        _ => "object",
    };

    private static string GoType(Schema schema) => schema switch
    {
        { IntOrString: true } => schema.Format == "quantity" ? "resource.Quantity" : "intstr.IntOrString",
        { Type: "integer" } => schema.Format ?? "int64",
        { Type: "number" } => "float64",
        { Type: "boolean" } => "bool",
        { Type: "array" } => "[]" + (schema.Items is { } items ? GoType(items) : "interface {}"),
        { Type: "object", AdditionalProperties: { } values } => "map[string]" + GoType(values),
        { ShortName: { } name } => "v1." + name,
        { Type: { } type } => type,
        _ => "interface {}",
    };
}
