using System.Text.Json.Nodes;

namespace Weft.KubeApi.Schemas;

/// <summary>
/// An OpenAPI v3 schema with the Kubernetes extensions, read once. Children are made when first asked for, since schemas may be
/// recursive (JSONSchemaProps is); two threads that ask at once make two equal ones, which is harmless.
/// </summary>
internal sealed class StructuralSchema
{
    private readonly Func<string, JsonObject?> _components;
    private Dictionary<string, StructuralSchema>? _properties;
    private StructuralSchema? _items;
    private StructuralSchema? _additional;

    public StructuralSchema(JsonObject raw, Func<string, JsonObject?> components)
    {
        _components = components;
        Raw = Resolve(raw, components, out var outer);
        Type = Text("type");
        // Merge keys and defaults may stand beside the reference instead of in what it refers to.
        ListType = outer("x-kubernetes-list-type") ?? Text("x-kubernetes-list-type");
        MapType = outer("x-kubernetes-map-type") ?? Text("x-kubernetes-map-type");
        PatchMergeKey = outer("x-kubernetes-patch-merge-key") ?? Text("x-kubernetes-patch-merge-key");
        var strategy = (outer("x-kubernetes-patch-strategy") ?? Text("x-kubernetes-patch-strategy") ?? "").Split(',');
        PatchMerge = strategy.Contains("merge");
        PatchRetainKeys = strategy.Contains("retainKeys");
        ListMapKeys = Json.Strings(raw["x-kubernetes-list-map-keys"] ?? Raw["x-kubernetes-list-map-keys"]).ToArray();
        PreserveUnknown = Flag("x-kubernetes-preserve-unknown-fields");
        IntOrString = Flag("x-kubernetes-int-or-string") || Text("format") == "int-or-string";
        Embedded = Flag("x-kubernetes-embedded-resource");
        Nullable = Flag("nullable");
        Default = raw["default"] ?? Raw["default"];
    }

    public JsonObject Raw { get; }

    public string? Type { get; }

    public string? ListType { get; }

    public IReadOnlyList<string> ListMapKeys { get; }

    public string? MapType { get; }

    public string? PatchMergeKey { get; }

    public bool PatchMerge { get; }

    public bool PatchRetainKeys { get; }

    public bool PreserveUnknown { get; }

    public bool IntOrString { get; }

    public bool Embedded { get; }

    public bool Nullable { get; }

    public JsonNode? Default { get; }

    public IReadOnlyDictionary<string, StructuralSchema> Properties => _properties ??= ReadProperties();

    public StructuralSchema? Items => _items ??= Child("items");

    public StructuralSchema? AdditionalProperties => _additional ??= Child("additionalProperties");

    /// <summary>True when nothing is said about the value, so that anything is accepted.</summary>
    public bool Free => Type is null && Raw["properties"] is null && !IntOrString;

    public StructuralSchema? Property(string name) =>
        Properties.TryGetValue(name, out var property) ? property : AdditionalProperties;

    public StructuralSchema With(string name, JsonObject property)
    {
        var raw = (JsonObject)Raw.DeepClone();
        Json.Child(raw, "properties")[name] = property;
        return new StructuralSchema(raw, _components);
    }

    private static JsonObject Resolve(JsonObject raw, Func<string, JsonObject?> components, out Func<string, string?> outer)
    {
        var first = raw;
        outer = name => ReferenceEquals(first, raw) ? null : Json.Text(first[name]);
        for (var depth = 0; depth < 16; depth++)
        {
            var target = Json.Text(raw["$ref"]);
            if (target is null && raw["allOf"] is JsonArray { Count: 1 } all && raw["properties"] is null)
                target = Json.Text(all[0]?["$ref"]);
            if (target is null)
                return raw;
            var name = target[(target.LastIndexOf('/') + 1)..];
            raw = components(name) ?? throw new InvalidOperationException(
                $"schema refers to component \"{name}\", which is not in the registry: add it with ResourceRegistry.AddComponent");
        }
        throw new InvalidOperationException("schema references go in a circle: " + first["$ref"]);
    }

    private Dictionary<string, StructuralSchema> ReadProperties()
    {
        var properties = new Dictionary<string, StructuralSchema>(StringComparer.Ordinal);
        if (Raw["properties"] is JsonObject raw)
        {
            foreach (var (name, value) in raw)
            {
                if (value is JsonObject schema)
                    properties[name] = new StructuralSchema(schema, _components);
            }
        }
        return properties;
    }

    private StructuralSchema? Child(string name) => Raw[name] is JsonObject child ? new StructuralSchema(child, _components) : null;

    private string? Text(string name) => Json.Text(Raw[name]);

    private bool Flag(string name) => Raw[name] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;
}
