using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Schemas;

/// <summary>
/// A structural OpenAPI v3 schema, parsed once and read-only. Built-in kinds and CustomResourceDefinitions share it, so pruning,
/// defaulting, validation, merges and field ownership read one model. A reference to a named definition resolves on first use,
/// which is what makes recursive types possible and start-up cheap.
/// </summary>
public sealed class Schema
{
    private readonly Func<Schema>? _target;
    private readonly Dictionary<string, Schema>? _properties;
    private readonly Schema? _items;
    private readonly Schema? _additional;
    private Schema? _resolved;

    /// <summary>Reads a schema. References resolve through <paramref name="definitions"/>; null refuses them, as CRDs must.</summary>
    public Schema(JsonObject json, SchemaLibrary? definitions = null, string? name = null)
    {
        Source = json;
        Name = name;
        Description = Text(json, "description");
        Default = json["default"];
        ListType = Text(json, "x-kubernetes-list-type");
        ListMapKeys = Texts(json, "x-kubernetes-list-map-keys");
        PatchMergeKey = Text(json, "x-kubernetes-patch-merge-key");
        PatchStrategies = Text(json, "x-kubernetes-patch-strategy")?.Split(',') ?? [];
        OwnMapType = Text(json, "x-kubernetes-map-type");
        if (ReferenceOf(json) is { } reference)
        {
            if (definitions is null)
                throw new FormatException("$ref is not allowed here");
            _target = () => definitions.Get(reference[(reference.LastIndexOf('/') + 1)..]);
            return;
        }
        OwnType = Text(json, "type");
        Format = Text(json, "format");
        IntOrString = Flag(json, "x-kubernetes-int-or-string");
        OwnPreserveUnknownFields = Flag(json, "x-kubernetes-preserve-unknown-fields");
        EmbeddedResource = Flag(json, "x-kubernetes-embedded-resource");
        Nullable = Flag(json, "nullable");
        Enum = json["enum"] as JsonArray;
        Required = Texts(json, "required");
        Constraints = SchemaConstraints.Read(json, definitions);
        if (json["properties"] is JsonObject properties)
        {
            _properties = new Dictionary<string, Schema>(properties.Count, StringComparer.Ordinal);
            foreach (var (key, value) in properties)
                _properties[key] = new Schema(value as JsonObject ?? [], definitions);
        }
        if (json["items"] is JsonObject items)
            _items = new Schema(items, definitions);
        if (json["additionalProperties"] is JsonObject additional)
            _additional = new Schema(additional, definitions);
        else if (json["additionalProperties"] is JsonValue allowed && allowed.TryGetValue<bool>(out var any) && any)
            _additional = new Schema([]) { OwnPreserveUnknownFields = true };
    }

    /// <summary>The JSON that this was read from; of a reference, the reference itself.</summary>
    public JsonObject Source { get; }

    /// <summary>Name of the definition, such as <c>io.k8s.api.core.v1.PodSpec</c>; null for anonymous schemas.</summary>
    public string? Name { get; }

    public string? Description { get; }

    public JsonNode? Default { get; }

    /// <summary>map, set or atomic; null for lists without a word on it, which server-side apply treats as atomic.</summary>
    public string? ListType { get; }

    public IReadOnlyList<string> ListMapKeys { get; }

    /// <summary>The one key that strategic merge patches match list items by; null for lists that are replaced or are sets.</summary>
    public string? PatchMergeKey { get; }

    /// <summary>merge, retainKeys, or both.</summary>
    public IReadOnlyList<string> PatchStrategies { get; }

    /// <summary>The definition that this refers to, or itself.</summary>
    public Schema Target => _target is null ? this : _resolved ??= _target();

    /// <summary>object, array, string, integer, number, boolean; null when anything is allowed.</summary>
    public string? Type => Target.OwnType;

    public string? Format { get => _target is null ? field : Target.Format; }

    public bool IntOrString { get => _target is null ? field : Target.IntOrString; }

    /// <summary>Fields that the schema does not name are kept (also where the schema has no word on the type).</summary>
    public bool PreserveUnknownFields => Target.OwnPreserveUnknownFields;

    public bool EmbeddedResource { get => _target is null ? field : Target.EmbeddedResource; }

    public bool Nullable { get => _target is null ? field : Target.Nullable; }

    /// <summary>atomic, or null (granular). Of a reference, its own word goes before the definition's.</summary>
    public string? MapType => OwnMapType ?? (_target is null ? null : Target.OwnMapType);

    public JsonArray? Enum { get => field ?? (_target is null ? null : Target.Enum); }

    public IReadOnlyList<string> Required { get => _target is null ? field : Target.Required; } = [];

    /// <summary>Bounds, patterns and combinations; null when there are none.</summary>
    public SchemaConstraints? Constraints { get => _target is null ? field : Target.Constraints; }

    public IReadOnlyDictionary<string, Schema>? Properties => Target._properties;

    public Schema? Items => Target._items;

    /// <summary>Schema of the values of a map; null when only <see cref="Properties"/> are allowed.</summary>
    public Schema? AdditionalProperties => Target._additional;

    /// <summary>The schema of a field of this object, or null when the field is unknown here.</summary>
    public Schema? Property(string field) =>
        Target._properties is { } known && known.TryGetValue(field, out var schema) ? schema : Target._additional;

    private string? OwnType { get; }

    private string? OwnMapType { get; }

    private bool OwnPreserveUnknownFields { get; init; }

    /// <summary>The last part of <see cref="Name"/>: the name of the Go type, as in upstream's decoding errors.</summary>
    public string? ShortName => Target.Name is { } name ? name[(name.LastIndexOf('.') + 1)..] : null;

    private static string? ReferenceOf(JsonObject json)
    {
        if (json["$ref"] is JsonValue direct)
            return direct.GetValue<string>();
        return json["allOf"] is JsonArray { Count: 1 } all && all[0] is JsonObject { Count: 1 } only && only["$ref"] is JsonValue wrapped
            ? wrapped.GetValue<string>()
            : null;
    }

    private static string? Text(JsonObject json, string key) =>
        json[key] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static bool Flag(JsonObject json, string key) => json[key] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;

    private static string[] Texts(JsonObject json, string key) =>
        json[key] is JsonArray array ? [.. array.Select(n => n is JsonValue v && v.TryGetValue<string>(out var text) ? text : "")] : [];
}
