using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Schemas;

/// <summary>
/// Constraints of a custom resource's schema: required, enum, ranges, lengths, patterns, formats, unique lists, and anyOf, oneOf, allOf,
/// not (the value validations that CustomResourceDefinition v1 allows; CEL rules are not evaluated).
/// </summary>
internal static class SchemaValidator
{
    public static IReadOnlyList<FieldError> Validate(JsonObject target, StructuralSchema schema)
    {
        var errors = new List<FieldError>();
        Visit(target, schema, "", errors);
        return errors;
    }

    private static void Visit(JsonNode? node, StructuralSchema schema, string path, List<FieldError> errors)
    {
        Values(node, schema.Raw, path, errors);
        switch (node)
        {
            case JsonObject target:
                foreach (var (name, value) in target)
                {
                    if (schema.Property(name) is { } property && (value is not null || !property.Nullable))
                        Visit(value, property, path.Length == 0 ? name : $"{path}.{name}", errors);
                }
                break;
            case JsonArray list:
                Uniqueness(list, schema, path, errors);
                if (schema.Items is { } items)
                {
                    for (var i = 0; i < list.Count; i++)
                        Visit(list[i], items, $"{path}[{i.ToString(CultureInfo.InvariantCulture)}]", errors);
                }
                break;
        }
    }

    private static void Values(JsonNode? node, JsonObject raw, string path, List<FieldError> errors)
    {
        if (raw["enum"] is JsonArray allowed && !allowed.Any(a => Json.Same(a, node)))
            errors.Add(FieldError.NotSupported(path, Clone(node), allowed.Select(a => Json.Scalar(a)).ToArray()));
        switch (node)
        {
            case JsonObject target:
                foreach (var name in Json.Strings(raw["required"]))
                {
                    if (!target.ContainsKey(name))
                        errors.Add(FieldError.Required(path.Length == 0 ? name : $"{path}.{name}"));
                }
                Count(target.Count, raw, "minProperties", "maxProperties", "properties", path, errors);
                break;
            case JsonArray list:
                Count(list.Count, raw, "minItems", "maxItems", "items", path, errors);
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                Strings(value.GetValue<string>(), raw, path, errors);
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.Number:
                Numbers(value, raw, path, errors);
                break;
        }
        Combinations(node, raw, path, errors);
    }

    private static void Strings(string text, JsonObject raw, string path, List<FieldError> errors)
    {
        var length = text.EnumerateRunes().Count();
        if (Json.Integer(raw["maxLength"]) is { } max && length > max)
            errors.Add(new FieldError(path, FieldErrorReason.TooLong, $"may not be more than {max} bytes"));
        if (Json.Integer(raw["minLength"]) is { } min && length < min)
            errors.Add(Wrong(path, text, $"{path} in body should be at least {min} chars long"));
        // OpenAPI patterns are ECMA ones; a time limit keeps a hostile pattern from holding the server up.
        if (Json.Text(raw["pattern"]) is { } pattern
            && !Regex.IsMatch(text, pattern, RegexOptions.CultureInvariant, TimeSpan.FromMilliseconds(200)))
            errors.Add(Wrong(path, text, $"{path} in body should match '{pattern}'"));
        var fits = Json.Text(raw["format"]) switch
        {
            "ipv4" => System.Net.IPAddress.TryParse(text, out var v4) && v4.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork,
            "ipv6" => System.Net.IPAddress.TryParse(text, out var v6) && v6.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6,
            "cidr" => Primitives.IpPrefix.TryParse(text, out _),
            "date-time" => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
            "uuid" => Guid.TryParse(text, out _),
            "byte" => Convert.TryFromBase64String(text, new byte[text.Length], out _),
            _ => true,
        };
        if (!fits)
            errors.Add(Wrong(path, text, $"{path} in body must be of type {Json.Text(raw["format"])}: \"{text}\""));
    }

    private static void Numbers(JsonValue value, JsonObject raw, string path, List<FieldError> errors)
    {
        if (!value.TryGetValue<double>(out var number) && Json.Integer(value) is { } integer)
            number = integer;
        bool Flag(string name) => raw[name] is JsonValue flag && flag.TryGetValue<bool>(out var set) && set;
        if (Number(raw["minimum"]) is { } min && (number < min || (Flag("exclusiveMinimum") && number <= min)))
            errors.Add(Wrong(path, value, string.Create(CultureInfo.InvariantCulture,
                $"{path} in body should be greater than {(Flag("exclusiveMinimum") ? "" : "or equal to ")}{min}")));
        if (Number(raw["maximum"]) is { } max && (number > max || (Flag("exclusiveMaximum") && number >= max)))
            errors.Add(Wrong(path, value, string.Create(CultureInfo.InvariantCulture,
                $"{path} in body should be less than {(Flag("exclusiveMaximum") ? "" : "or equal to ")}{max}")));
        if (Number(raw["multipleOf"]) is { } factor && factor > 0 && Math.IEEERemainder(number, factor) != 0)
            errors.Add(Wrong(path, value, string.Create(CultureInfo.InvariantCulture, $"{path} in body should be a multiple of {factor}")));
    }

    private static void Combinations(JsonNode? node, JsonObject raw, string path, List<FieldError> errors)
    {
        if (raw["allOf"] is JsonArray all)
        {
            foreach (var part in all.OfType<JsonObject>())
                Nested(node, part, path, errors);
        }
        if (raw["anyOf"] is JsonArray any && !IntOrStringPair(raw) && !any.OfType<JsonObject>().Any(part => Fits(node, part)))
            errors.Add(Wrong(path, node, $"{path} in body must validate at least one schema (anyOf)"));
        if (raw["oneOf"] is JsonArray one && one.OfType<JsonObject>().Count(part => Fits(node, part)) != 1)
            errors.Add(Wrong(path, node, $"{path} in body must validate one and only one schema (oneOf)"));
        if (raw["not"] is JsonObject not && Fits(node, not))
            errors.Add(Wrong(path, node, $"{path} in body must not validate the schema (not)"));
    }

    private static bool Fits(JsonNode? node, JsonObject part)
    {
        var errors = new List<FieldError>();
        Nested(node, part, "", errors);
        return errors.Count == 0;
    }

    // Inside of allOf and its kin, structural schemas hold only value validations, of the node and of its named children.
    private static void Nested(JsonNode? node, JsonObject part, string path, List<FieldError> errors)
    {
        if (Json.Text(part["type"]) is { } type && !TypeFits(node, type))
            errors.Add(Wrong(path, node, $"{path} in body must be of type {type}"));
        Values(node, part, path, errors);
        if (node is JsonObject target && part["properties"] is JsonObject properties)
        {
            foreach (var (name, value) in properties)
            {
                if (value is JsonObject schema && target.TryGetPropertyValue(name, out var child))
                    Nested(child, schema, $"{path}.{name}", errors);
            }
        }
        if (node is JsonArray list && part["items"] is JsonObject items)
        {
            for (var i = 0; i < list.Count; i++)
                Nested(list[i], items, $"{path}[{i.ToString(CultureInfo.InvariantCulture)}]", errors);
        }
    }

    private static bool IntOrStringPair(JsonObject raw) =>
        raw["x-kubernetes-int-or-string"] is JsonValue flag && flag.TryGetValue<bool>(out var set) && set;

    private static bool TypeFits(JsonNode? node, string type) => node?.GetValueKind() switch
    {
        JsonValueKind.Object => type == "object",
        JsonValueKind.Array => type == "array",
        JsonValueKind.String => type == "string",
        JsonValueKind.Number => type == "number" || (type == "integer" && Json.Integer(node) is not null),
        JsonValueKind.True or JsonValueKind.False => type == "boolean",
        _ => type == "null",
    };

    private static void Uniqueness(JsonArray list, StructuralSchema schema, string path, List<FieldError> errors)
    {
        if (schema.ListType is not ("set" or "map"))
            return;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < list.Count; i++)
        {
            var key = schema.ListType == "set" || list[i] is not JsonObject item
                ? Json.ToText(list[i])
                : string.Join(',', schema.ListMapKeys.Select(k => Json.ToText(item[k])));
            if (!seen.Add(key))
                errors.Add(FieldError.Duplicate($"{path}[{i.ToString(CultureInfo.InvariantCulture)}]", Clone(list[i])));
        }
    }

    private static void Count(int count, JsonObject raw, string min, string max, string what, string path, List<FieldError> errors)
    {
        if (Json.Integer(raw[max]) is { } most && count > most)
            errors.Add(new FieldError(path, FieldErrorReason.TooMany, $"{count}: must have at most {most} {what}"));
        if (Json.Integer(raw[min]) is { } least && count < least)
            errors.Add(FieldError.Invalid(path, JsonValue.Create(count), $"{path} in body should have at least {least} {what}"));
    }

    private static double? Number(JsonNode? node)
    {
        if (node is not JsonValue value || value.GetValueKind() != JsonValueKind.Number)
            return null;
        if (value.TryGetValue<double>(out var number))
            return number;
        return Json.Integer(value);
    }

    private static FieldError Wrong(string path, JsonNode? value, string detail) => FieldError.Invalid(path, Clone(value), detail);

    private static JsonNode? Clone(JsonNode? node) => node?.DeepClone();
}
