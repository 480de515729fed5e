using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Schemas;

namespace Weft.KubeApi.Discovery;

/// <summary>
/// An OpenAPI v3 document of one group and version. Beside the schemas it names, for each kind, the operations by which kubectl learns
/// that the server validates fields and takes strategic merge patches.
/// </summary>
internal sealed class OpenApiDocument(SchemaSet schemas)
{
    private const string Prefix = "#/components/schemas/";

    private readonly JsonObject _components = [];

    /// <summary><c>api/v1</c> or <c>apis/apps/v1</c>.</summary>
    public static string PathOf(ResourceDefinition d) => d.Group.Length == 0 ? $"api/{d.Version}" : $"apis/{d.Group}/{d.Version}";

    public static string SchemaName(ResourceDefinition d) =>
        d.SchemaName ?? string.Join('.', (d.Group.Length == 0 ? "core" : d.Group).Split('.').Reverse()) + $".{d.Version}.{d.Kind}";

    public JsonObject Build(IReadOnlyList<ResourceDefinition> definitions)
    {
        var paths = new JsonObject();
        AddComponent(ObjectMetaSchema.ComponentName);
        foreach (var definition in definitions)
        {
            AddKind(definition);
            AddPaths(paths, definition);
        }
        return new JsonObject
        {
            ["openapi"] = "3.0.0",
            ["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = "v1.32.0" },
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = _components },
        };
    }

    private void AddKind(ResourceDefinition definition)
    {
        var schema = (JsonObject)definition.Schema.DeepClone();
        schema["type"] = "object";
        var properties = Json.Child(schema, "properties");
        properties["apiVersion"] = ObjectMetaSchema.ApiVersion;
        properties["kind"] = ObjectMetaSchema.Kind;
        properties["metadata"] = new JsonObject
        {
            ["allOf"] = new JsonArray(Reference(ObjectMetaSchema.ComponentName)), ["description"] = "Standard object's metadata.",
        };
        schema["x-kubernetes-group-version-kind"] = new JsonArray(Gvk(definition, definition.Kind));
        var name = SchemaName(definition);
        _components[name] = schema;
        Follow(schema);
        _components[name + "List"] = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["apiVersion"] = ObjectMetaSchema.ApiVersion,
                ["kind"] = ObjectMetaSchema.Kind,
                ["metadata"] = new JsonObject { ["type"] = "object" },
                ["items"] = new JsonObject { ["type"] = "array", ["items"] = Reference(name) },
            },
            ["x-kubernetes-group-version-kind"] = new JsonArray(Gvk(definition, definition.ListKind)),
        };
    }

    private void AddComponent(string name)
    {
        if (_components.ContainsKey(name) || schemas.Component(name) is not { } schema)
            return;
        var copy = (JsonObject)schema.DeepClone();
        _components[name] = copy;
        Follow(copy);
    }

    private void Follow(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject schema:
                if (Json.Text(schema["$ref"]) is { } target && target.StartsWith(Prefix, StringComparison.Ordinal))
                    AddComponent(target[Prefix.Length..]);
                foreach (var (_, value) in schema)
                    Follow(value);
                break;
            case JsonArray list:
                foreach (var item in list)
                    Follow(item);
                break;
        }
    }

    private static void AddPaths(JsonObject paths, ResourceDefinition definition)
    {
        var scope = definition.Namespaced ? "namespaces/{namespace}/" : "";
        var collection = $"/{PathOf(definition)}/{scope}{definition.Plural}";
        paths[collection] = new JsonObject
        {
            ["get"] = Operation(definition, "list", 200, [], "List"),
            ["post"] = Operation(definition, "post", 201, ["application/json", "application/yaml"]),
        };
        string[] patches = definition.StrategicMerge
            ? ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"]
            : ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];
        foreach (var part in (ReadOnlySpan<string>)(definition.HasStatus ? ["", "/status"] : [""]))
        {
            var item = new JsonObject
            {
                ["get"] = Operation(definition, "get", 200, []),
                ["put"] = Operation(definition, "put", 200, ["application/json", "application/yaml"]),
                ["patch"] = Operation(definition, "patch", 200, patches),
            };
            if (part.Length == 0)
                item["delete"] = Operation(definition, "delete", 200, []);
            paths[$"{collection}/{{name}}{part}"] = item;
        }
    }

    private static JsonObject Operation(ResourceDefinition definition, string action, int code, string[] accepts, string suffix = "")
    {
        var operation = new JsonObject
        {
            ["operationId"] = $"{action}{definition.Version}{definition.Kind}{suffix}",
            ["x-kubernetes-action"] = action,
            ["x-kubernetes-group-version-kind"] = Gvk(definition, definition.Kind),
            ["responses"] = new JsonObject
            {
                [code.ToString(System.Globalization.CultureInfo.InvariantCulture)] = new JsonObject
                {
                    ["description"] = "OK", ["content"] = Content(["application/json"], SchemaName(definition) + suffix),
                },
            },
        };
        if (accepts.Length > 0)
        {
            operation["parameters"] = new JsonArray(
                Parameter("dryRun"), Parameter("fieldManager"), Parameter("fieldValidation"), Parameter("pretty"));
            operation["requestBody"] = new JsonObject { ["content"] = Content(accepts, SchemaName(definition)) };
        }
        return operation;
    }

    private static JsonObject Content(IEnumerable<string> types, string schema)
    {
        var content = new JsonObject();
        foreach (var type in types)
            content[type] = new JsonObject { ["schema"] = Reference(schema) };
        return content;
    }

    private static JsonObject Parameter(string name) => new JsonObject
    {
        ["name"] = name, ["in"] = "query", ["schema"] = new JsonObject { ["type"] = "string", ["uniqueItems"] = true },
    };

    private static JsonObject Reference(string name) => new() { ["$ref"] = Prefix + name };

    private static JsonObject Gvk(ResourceDefinition definition, string kind) =>
        new() { ["group"] = definition.Group, ["version"] = definition.Version, ["kind"] = kind };
}
