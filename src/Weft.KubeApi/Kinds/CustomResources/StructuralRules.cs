using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.CustomResources;

/// <summary>
/// What makes a schema structural, so that pruning and defaulting have one meaning
/// (kubernetes.io, "Specifying a structural schema"; apiextensions-apiserver/pkg/apiserver/schema/validation.go).
/// </summary>
internal static class StructuralRules
{
    private static readonly string[] Types = ["array", "boolean", "integer", "number", "object", "string"];
    private static readonly string[] Unsupported = ["$ref", "$schema", "additionalItems", "definitions", "dependencies", "id", "patternProperties"];
    private static readonly string[] OutsideLogic =
        ["type", "additionalProperties", "default", "nullable", "title", "description", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource",
         "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"];

    public static void Root(JsonObject schema, string path, Errors errors)
    {
        if (schema.Text("type") is not { } type)
            errors.Required(path + ".type", "must not be empty at the root");
        else if (type != "object")
            errors.Invalid(path + ".type", type, "must be object at the root");
        if (schema.Flag("nullable"))
            errors.Forbidden(path + ".nullable", "nullable cannot be true at the root");
        if (schema.ObjectAt("properties", "metadata") is { } metadata)
            Metadata(metadata, path + ".properties[metadata]", errors);
        Node(schema, path, errors, required: null);
    }

    /// <summary>True when a rule in the Common Expression Language stands anywhere in the schema.</summary>
    public static bool HasRules(JsonNode? schema) => schema switch
    {
        JsonObject obj => obj.Any(f => f.Key == "x-kubernetes-validations" && f.Value is JsonArray { Count: > 0 } || HasRules(f.Value)),
        JsonArray array => array.Any(HasRules),
        _ => false,
    };

    private static void Metadata(JsonObject metadata, string path, Errors errors)
    {
        foreach (var (key, _) in metadata.Object("properties") ?? [])
        {
            if (key is not ("name" or "generateName"))
                errors.Forbidden($"{path}.properties[{key}]", "must not specify anything other than name and generateName, but metadata is implicitly specified");
        }
    }

    private static void Node(JsonObject schema, string path, Errors errors, string? required)
    {
        var intOrString = schema.Flag("x-kubernetes-int-or-string");
        var free = schema.Flag("x-kubernetes-preserve-unknown-fields");
        Type(schema, path, errors, required, intOrString, free);
        foreach (var keyword in Unsupported)
        {
            if (schema.ContainsKey(keyword))
                errors.Forbidden($"{path}.{keyword}", $"{keyword} is not supported");
        }
        if (schema.Flag("uniqueItems"))
            errors.Forbidden(path + ".uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
        if (schema.Object("properties") is not null && schema.ContainsKey("additionalProperties"))
            errors.Forbidden(path + ".additionalProperties", "additionalProperties and properties are mutual exclusive");
        if (schema.Text("type") == "array" && schema.Object("items") is null)
            errors.Required(path + ".items", "must be specified");
        Values(schema, path, errors);
        ListType(schema, path, errors);
        Children(schema, path, errors);
        foreach (var word in (ReadOnlySpan<string>)["allOf", "anyOf", "oneOf"])
        {
            foreach (var (i, part) in schema.Items(word))
                Logic(part, schema, $"{path}.{word}[{i}]", errors, intOrString);
        }
        if (schema.Object("not") is { } not)
            Logic(not, schema, path + ".not", errors, allowType: false);
    }

    private static void Type(JsonObject schema, string path, Errors errors, string? required, bool intOrString, bool free)
    {
        switch (schema.Text("type"))
        {
            case null or "" when required is not null && !intOrString && !free:
                errors.Required(path + ".type", $"must not be empty for {required}");
                break;
            case { Length: > 0 } type when intOrString:
                errors.Invalid(path + ".type", type, "must be empty if x-kubernetes-int-or-string is true");
                break;
            case { Length: > 0 } type when !Types.Contains(type):
                errors.Add(FieldError.NotSupported(path + ".type", type, Types));
                break;
            case { Length: > 0 } type when type != "object" && (free || schema.Flag("x-kubernetes-embedded-resource")):
                if (schema.Flag("x-kubernetes-embedded-resource"))
                    errors.Invalid(path + ".type", type, "must be object if x-kubernetes-embedded-resource is true");
                break;
        }
        if (schema.Flag("x-kubernetes-embedded-resource") && schema.Object("properties") is null && !free)
            errors.Required(path + ".properties", "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
    }

    private static void Values(JsonObject schema, string path, Errors errors)
    {
        if (schema.Text("pattern") is not { } pattern)
            return;
        try
        {
            _ = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            errors.Invalid(path + ".pattern", pattern, "must be a valid regular expression, but isn't: " + e.Message);
        }
    }

    private static void ListType(JsonObject schema, string path, Errors errors)
    {
        var keys = schema.Texts("x-kubernetes-list-map-keys").ToList();
        switch (schema.Text("x-kubernetes-list-type"))
        {
            case null:
                if (keys.Count > 0)
                    errors.Forbidden(path + ".x-kubernetes-list-map-keys", "may only be set if x-kubernetes-list-type is map");
                return;
            case "map":
                MapKeys(schema, keys, path, errors);
                break;
            case "set" or "atomic":
                break;
            case var other:
                errors.Add(FieldError.NotSupported(path + ".x-kubernetes-list-type", other, "atomic", "set", "map"));
                break;
        }
        if (schema.Text("type") is { } type && type != "array")
            errors.Invalid(path + ".type", type, "must be array if x-kubernetes-list-type is specified");
    }

    private static void MapKeys(JsonObject schema, List<string> keys, string path, Errors errors)
    {
        if (keys.Count == 0)
            errors.Required(path + ".x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map");
        var items = schema.Object("items");
        for (var i = 0; i < keys.Count; i++)
        {
            if (items.ObjectAt("properties", keys[i]) is not { } key)
                errors.Invalid($"{path}.x-kubernetes-list-map-keys[{i}]", keys[i], "entries must all be names of item properties");
            else if (!items.Texts("required").Contains(keys[i]) && key["default"] is null)
                errors.Required($"{path}.items.properties[{keys[i]}].default",
                    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
        }
    }

    private static void Children(JsonObject schema, string path, Errors errors)
    {
        foreach (var (key, child) in schema.Object("properties") ?? [])
        {
            if (child is JsonObject property)
                Node(property, $"{path}.properties[{key}]", errors, "specified object fields");
        }
        if (schema.Object("items") is { } items)
            Node(items, path + ".items", errors, "specified array items");
        if (schema.Object("additionalProperties") is { } values)
            Node(values, path + ".additionalProperties", errors, "specified object fields");
    }

    /// <summary>Inside of logic stand constraints only, and only on fields that the structure outside of it names.</summary>
    private static void Logic(JsonObject part, JsonObject structure, string path, Errors errors, bool allowType)
    {
        foreach (var keyword in OutsideLogic)
        {
            // x-kubernetes-int-or-string allows the pair of types that spells it out.
            if (part.ContainsKey(keyword) && !(keyword == "type" && allowType))
                errors.Forbidden($"{path}.{keyword}", "must be empty to be structural");
        }
        foreach (var (key, child) in part.Object("properties") ?? [])
        {
            if (structure.ObjectAt("properties", key) is not { } named)
                errors.Required($"{path[..path.LastIndexOf('.')]}.properties[{key}]", $"because it is defined in {path}.properties[{key}]");
            else if (child is JsonObject inner)
                Logic(inner, named, $"{path}.properties[{key}]", errors, allowType: false);
        }
        if (part.Object("items") is { } items && structure.Object("items") is { } of)
            Logic(items, of, path + ".items", errors, allowType: false);
    }
}
