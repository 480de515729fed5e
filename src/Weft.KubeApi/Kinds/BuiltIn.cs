using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Schemas;
using Weft.KubeApi.Kinds.Validation;
using Weft.KubeApi.Schemas;

namespace Weft.KubeApi.Kinds;

/// <summary>What definitions of built-in kinds have in common.</summary>
internal static class BuiltIn
{
    private const string Api = "io.k8s.api.";

    /// <param name="name">Below io.k8s.api, such as <c>core.v1.Pod</c>.</param>
    public static string SchemaName(string name) => Api + name;

    /// <summary>The generated schema's JSON, shared between servers and read-only.</summary>
    public static JsonObject Schema(string name) => SchemaLibrary.BuiltIn.Node(Api + name);

    /// <summary>
    /// Constant defaults come from the schema; <paramref name="computed"/> adds those that depend on other fields. It runs after them.
    /// </summary>
    public static Action<JsonObject> Defaults(string name, Action<JsonObject>? computed = null) => obj =>
    {
        SchemaDefaults.Apply(obj, SchemaLibrary.BuiltIn.Get(Api + name), emptyIsAbsent: true);
        computed?.Invoke(obj);
    };

    /// <summary>Required fields and enumerations by the schema, then the kind's own rules: (new, old or null, errors).</summary>
    public static Func<JsonObject, JsonObject?, IReadOnlyList<FieldError>> Validation(string name, Action<JsonObject, JsonObject?, Errors>? rules = null) =>
        Validation(SchemaLibrary.BuiltIn, Api + name, rules);

    /// <summary>The same for a definition by its whole name.</summary>
    public static Func<JsonObject, JsonObject?, IReadOnlyList<FieldError>> Validation(
        SchemaLibrary library, string name, Action<JsonObject, JsonObject?, Errors>? rules) =>
        (obj, old) =>
        {
            var errors = new Errors();
            SchemaChecks.Check(obj, library.Get(name), errors);
            rules?.Invoke(obj, old, errors);
            return errors;
        };
}
