using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Weft.KubeApi.Kinds.Schemas;

/// <summary>What a schema demands of a value beyond its type (OpenAPI 3.0.3, "Schema Object").</summary>
public sealed class SchemaConstraints
{
    private static readonly string[] Keywords =
    [
        "minimum", "maximum", "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems",
        "minProperties", "maxProperties", "allOf", "anyOf", "oneOf", "not",
    ];

    private SchemaConstraints(JsonObject json, SchemaLibrary? definitions)
    {
        Minimum = json.Number("minimum");
        Maximum = json.Number("maximum");
        ExclusiveMinimum = json.Flag("exclusiveMinimum");
        ExclusiveMaximum = json.Flag("exclusiveMaximum");
        MultipleOf = json.Number("multipleOf");
        MinLength = json.Integer("minLength");
        MaxLength = json.Integer("maxLength");
        // RE2 has neither look-around nor back-references; the non-backtracking engine refuses the same and is as linear.
        Pattern = json.Text("pattern") is { } pattern ? new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant) : null;
        MinItems = json.Integer("minItems");
        MaxItems = json.Integer("maxItems");
        UniqueItems = json.Flag("uniqueItems");
        MinProperties = json.Integer("minProperties");
        MaxProperties = json.Integer("maxProperties");
        AllOf = List(json, "allOf", definitions);
        AnyOf = List(json, "anyOf", definitions);
        OneOf = List(json, "oneOf", definitions);
        Not = json["not"] is JsonObject not ? new Schema(not, definitions) : null;
    }

    public decimal? Minimum { get; }

    public decimal? Maximum { get; }

    public bool ExclusiveMinimum { get; }

    public bool ExclusiveMaximum { get; }

    public decimal? MultipleOf { get; }

    public long? MinLength { get; }

    public long? MaxLength { get; }

    public Regex? Pattern { get; }

    public long? MinItems { get; }

    public long? MaxItems { get; }

    public bool UniqueItems { get; }

    public long? MinProperties { get; }

    public long? MaxProperties { get; }

    public IReadOnlyList<Schema> AllOf { get; }

    public IReadOnlyList<Schema> AnyOf { get; }

    public IReadOnlyList<Schema> OneOf { get; }

    public Schema? Not { get; }

    /// <exception cref="ArgumentException">The pattern is no regular expression that RE2 and this engine know.</exception>
    public static SchemaConstraints? Read(JsonObject json, SchemaLibrary? definitions) =>
        Array.Exists(Keywords, json.ContainsKey) ? new SchemaConstraints(json, definitions) : null;

    private static Schema[] List(JsonObject json, string key, SchemaLibrary? definitions) =>
        json[key] is JsonArray array ? [.. array.OfType<JsonObject>().Select(o => new Schema(o, definitions))] : [];
}
