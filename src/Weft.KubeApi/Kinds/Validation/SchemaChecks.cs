using System.Text.Json.Nodes;
using Weft.KubeApi.Schemas;

namespace Weft.KubeApi.Kinds.Validation;

/// <summary>
/// What the generated schemas say of built-in kinds beyond types: required fields, enumerations and lower bounds, in the words of
/// upstream's hand-written validation. Status is left alone: it is written by controllers, and upstream demands no completeness of it.
/// </summary>
internal static class SchemaChecks
{
    public static void Check(JsonObject obj, StructuralSchema schema, Errors errors) => Object(obj, schema, "", errors, exempt: ["metadata", "status"]);

    public static void Check(JsonNode? node, StructuralSchema schema, string path, Errors errors)
    {
        switch (node)
        {
            case JsonObject obj:
                Object(obj, schema, path, errors, exempt: []);
                break;
            case JsonArray array when schema.Items is { } items:
                for (var i = 0; i < array.Count; i++)
                    Check(array[i], items, $"{path}[{i}]", errors);
                break;
            case JsonValue value:
                Value(value, schema, path, errors);
                break;
        }
    }

    private static void Object(JsonObject obj, StructuralSchema schema, string path, Errors errors, ReadOnlySpan<string> exempt)
    {
        foreach (var field in Json.Strings(schema.Raw["required"]))
        {
            if (!exempt.Contains(field) && IsAbsent(obj[field]))
                errors.Required(Join(path, field));
        }
        foreach (var (key, value) in obj)
        {
            if (value is not null && !exempt.Contains(key) && schema.Property(key) is { } known)
                Check(value, known, Join(path, key), errors);
        }
    }

    private static void Value(JsonValue value, StructuralSchema schema, string path, Errors errors)
    {
        // An empty string is an absent one; whether that is allowed is the owner's list of required fields.
        if (schema.Raw["enum"] is JsonArray allowed && value.AsText() is { Length: > 0 } text && !allowed.Any(a => a.AsText() == text))
            errors.Add(FieldError.NotSupported(path, text, [.. allowed.Select(a => a.AsText()!).Order(StringComparer.Ordinal)]));
        if (schema.Raw.Integer("minimum") is { } minimum && value.AsNumber() < minimum)
            errors.Invalid(path, value, $"must be greater than or equal to {minimum}");
        if (schema.Raw.Text("format") is { } format && FormatError(value, format) is { } wrong)
            errors.Invalid(path, value, wrong);
    }

    /// <summary>What Go's decoder refuses for the field's type.</summary>
    private static string? FormatError(JsonValue value, string format) => format switch
    {
        "int32" when value.AsInteger() is not (>= int.MinValue and <= int.MaxValue) => "must fit into 32 bits",
        "date-time" when value.AsText() is not { } time || Tables.Age.Parse(time) is null => "must be a time in RFC 3339 form, such as 2026-01-31T12:00:00Z",
        "byte" when value.AsText() is not { } text || !Convert.TryFromBase64String(text, new byte[text.Length], out _) => "illegal base64 data",
        _ => null,
    };

    /// <summary>Go decodes an absent string and an empty one alike, and a list without items as none.</summary>
    private static bool IsAbsent(JsonNode? node) => node is null or JsonArray { Count: 0 } || node.AsText() is "";

    private static string Join(string path, string field) => path.Length == 0 ? field : $"{path}.{field}";
}
