using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Schemas;

/// <summary>
/// Compares a value with a schema and tells of every difference in the words of k8s.io/kube-openapi/pkg/validation. Unknown fields
/// are not its matter: see <see cref="SchemaFields"/>.
/// </summary>
public static class SchemaValidator
{
    /// <param name="value">What is validated; null only where the schema allows null.</param>
    /// <param name="path">Where the value stands: empty for a whole object.</param>
    public static IReadOnlyList<FieldError> Validate(JsonNode? value, Schema schema, string path = "")
    {
        var errors = new List<FieldError>();
        Check(value, schema, path, errors);
        return errors;
    }

    private static void Check(JsonNode? value, Schema schema, string path, List<FieldError> errors)
    {
        if (value is null)
        {
            if (!schema.Nullable && schema.Type is { } type)
                errors.Add(WrongType(path, "null", type));
            return;
        }
        if (!TypeFits(value, schema))
        {
            errors.Add(WrongType(path, NameOf(value), schema.IntOrString ? "integer,string" : schema.Type!));
            return;
        }
        if (schema.Enum is { Count: > 0 } allowed && !allowed.Any(a => JsonNode.DeepEquals(a, value)))
            errors.Add(new FieldError(path, FieldErrorReason.NotSupported, "supported values: " + string.Join(", ", allowed.Select(a => a?.ToJsonString() ?? "null")), value.DeepClone()));
        switch (value)
        {
            case JsonObject obj:
                CheckObject(obj, schema, path, errors);
                break;
            case JsonArray array:
                CheckArray(array, schema, path, errors);
                break;
        }
        if (value.AsText() is { } text && schema.Format is { } format && !FormatFits(text, format))
            errors.Add(FieldError.Invalid(path, value.DeepClone(), $"{path} in body must be of type {format}: {value.ToJsonString()}"));
        if (schema.Constraints is { } constraints)
            ConstraintChecks.Check(value, constraints, path, errors);
    }

    private static void CheckObject(JsonObject value, Schema schema, string path, List<FieldError> errors)
    {
        foreach (var required in schema.Required)
        {
            if (!value.ContainsKey(required))
                errors.Add(FieldError.Required(Join(path, required)));
        }
        foreach (var (key, item) in value)
        {
            if (schema.Property(key) is { } known)
                Check(item, known, Join(path, key), errors);
        }
    }

    private static void CheckArray(JsonArray value, Schema schema, string path, List<FieldError> errors)
    {
        if (schema.Items is { } items)
        {
            for (var i = 0; i < value.Count; i++)
                Check(value[i], items, $"{path}[{i}]", errors);
        }
        if (schema.ListType is "set" or "map")
            CheckDuplicates(value, schema, path, errors);
    }

    private static void CheckDuplicates(JsonArray value, Schema schema, string path, List<FieldError> errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < value.Count; i++)
        {
            var key = schema.ListType == "set" ? value[i] : KeyOf(value[i], schema.ListMapKeys);
            if (!seen.Add(key?.ToJsonString() ?? "null"))
                errors.Add(FieldError.Duplicate($"{path}[{i}]", key?.DeepClone()));
        }
    }

    private static JsonObject KeyOf(JsonNode? item, IReadOnlyList<string> keys)
    {
        var key = new JsonObject();
        foreach (var field in keys)
        {
            if (item is JsonObject obj && obj[field] is { } part)
                key[field] = part.DeepClone();
        }
        return key;
    }

    internal static string Join(string path, string field) => path.Length == 0 ? field : $"{path}.{field}";

    private static FieldError WrongType(string path, string found, string expected) =>
        FieldError.TypeInvalid(path.Length == 0 ? "<nil>" : path, found, $"{path} in body must be of type {expected}: \"{found}\"");

    internal static bool TypeFits(JsonNode value, Schema schema)
    {
        var kind = value.GetValueKind();
        if (schema.IntOrString)
            return kind is JsonValueKind.String || kind is JsonValueKind.Number && (schema.Format == "quantity" || value.AsInteger() is not null);
        return schema.Type switch
        {
            null => true,
            "object" => kind is JsonValueKind.Object,
            "array" => kind is JsonValueKind.Array,
            "string" => kind is JsonValueKind.String,
            "boolean" => kind is JsonValueKind.True or JsonValueKind.False,
            "integer" => value.AsInteger() is { } number && (schema.Format != "int32" || number is >= int.MinValue and <= int.MaxValue),
            "number" => kind is JsonValueKind.Number,
            _ => true,
        };
    }

    private static string NameOf(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => value.AsInteger() is null ? "number" : "integer",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => "null",
    };

    private static bool FormatFits(string text, string format) => format switch
    {
        "date-time" => text.Contains('T') && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out _),
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "byte" => Convert.TryFromBase64String(text, new byte[text.Length * 3 / 4 + 3], out _),
        "ipv4" => IPAddress.TryParse(text, out var v4) && v4.AddressFamily == AddressFamily.InterNetwork && text.Count(c => c == '.') == 3,
        "ipv6" => IPAddress.TryParse(text, out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6,
        "cidr" => Primitives.IpPrefix.TryParse(text, strict: false, out _) && text.Contains('/'),
        "uuid" => Guid.TryParse(text, out _),
        "uri" => Uri.TryCreate(text, UriKind.Absolute, out _),
        "quantity" => Quantity.TryParse(text, out _),
        _ => true,
    };
}
