using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using k8s.Models;

namespace Weft.Tools.SchemaGen;

/// <summary>Reflects over the client's model types and everything they refer to.</summary>
internal sealed partial class DefinitionBuilder(Annotations annotations, Descriptions descriptions)
{
    private const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
    private const string Core = "io.k8s.api.core.v1";

    /// <summary>Roots by the group that their own types are named under. The order decides who names a shared type.</summary>
    private static readonly (string Package, Type[] Roots)[] Packages =
    [
        (Meta, [typeof(V1ObjectMeta), typeof(V1ListMeta), typeof(V1LabelSelector), typeof(V1Condition), typeof(V1Status), typeof(V1DeleteOptions),
            typeof(V1APIGroupList), typeof(V1APIResourceList)]),
        (Core, [typeof(V1Namespace), typeof(V1Node), typeof(V1Pod), typeof(V1Service), typeof(V1Endpoints), typeof(V1ConfigMap), typeof(V1Secret),
            typeof(V1ServiceAccount), typeof(Corev1Event), typeof(V1PodTemplateSpec), typeof(V1Binding)]),
        ("io.k8s.api.apps.v1", [typeof(V1Deployment), typeof(V1ReplicaSet), typeof(V1DaemonSet), typeof(V1StatefulSet), typeof(V1ControllerRevision)]),
        ("io.k8s.api.autoscaling.v1", [typeof(V1Scale)]),
        ("io.k8s.api.batch.v1", [typeof(V1Job)]),
        ("io.k8s.api.coordination.v1", [typeof(V1Lease)]),
        ("io.k8s.api.discovery.v1", [typeof(V1EndpointSlice)]),
        ("io.k8s.api.events.v1", [typeof(Eventsv1Event)]),
        ("io.k8s.api.networking.v1", [typeof(V1NetworkPolicy), typeof(V1ServiceCIDR), typeof(V1IPAddress)]),
        ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1", [typeof(V1CustomResourceDefinition)]),
    ];

    public static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Dictionary<Type, string> _names = [];
    private readonly Dictionary<string, JsonObject> _definitions = [];
    private readonly Queue<Type> _pending = [];
    private string _package = "";

    public IReadOnlyDictionary<string, JsonObject> Build()
    {
        foreach (var (package, roots) in Packages)
        {
            _package = package;
            foreach (var type in roots)
                NameOf(type);
            while (_pending.TryDequeue(out var type))
                _definitions.Add(_names[type], Define(type));
        }
        return _definitions;
    }

    private string NameOf(Type type)
    {
        if (_names.TryGetValue(type, out var name))
            return name;
        _names[type] = name = $"{_package}.{ShortName(type)}";
        _pending.Enqueue(type);
        return name;
    }

    private static string ShortName(Type type) => VersionPrefix().Replace(type.Name, "");

    [GeneratedRegex("^(Corev1|Discoveryv1|Eventsv1|Apiextensionsv1|V1)(?=[A-Z])")]
    private static partial Regex VersionPrefix();

    private JsonObject Define(Type type)
    {
        var schema = new JsonObject();
        if (descriptions.Of($"T:{type.FullName}") is { } text)
            schema["description"] = text;
        schema["type"] = "object";
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var property in type.GetProperties().OrderBy(JsonName, StringComparer.Ordinal))
        {
            if (property.GetCustomAttribute<JsonPropertyNameAttribute>() is null)
                continue;
            var field = JsonName(property);
            var notes = annotations.Of(AnnotationName(type), field);
            properties[field] = DefineField(property, notes);
            if (notes.Any(n => n.Directive == "required") || property.PropertyType == typeof(int) || property.PropertyType == typeof(long))
                required.Add(field);
        }
        if (required.Count > 0)
            schema["required"] = required;
        if (properties.Count > 0)
            schema["properties"] = properties;
        if (annotations.Of(AnnotationName(type), "").Any(n => n.Directive == "atomic"))
            schema["x-kubernetes-map-type"] = "atomic";
        if (type.GetCustomAttribute<KubernetesEntityAttribute>() is { } entity)
        {
            schema["x-kubernetes-group-version-kind"] = new JsonArray(
                new JsonObject { ["group"] = entity.Group, ["kind"] = entity.Kind, ["version"] = entity.ApiVersion });
        }
        return schema;
    }

    /// <summary>Names as in annotations.txt: of two types with one short name, the client's own full name tells them apart.</summary>
    private static string AnnotationName(Type type) => type.Name.StartsWith("V1", StringComparison.Ordinal) ? type.Name[2..] : type.Name;

    private static string JsonName(PropertyInfo property) => property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? property.Name;

    private JsonObject DefineField(PropertyInfo property, IReadOnlyList<Annotation> notes)
    {
        var schema = new JsonObject();
        if (descriptions.Of($"P:{property.DeclaringType!.FullName}.{property.Name}") is { } text)
            schema["description"] = text;
        foreach (var (key, value) in Shape(property.PropertyType).ToList())
            schema[key] = value?.DeepClone();
        foreach (var note in notes)
            Apply(schema, note);
        if (schema.Remove("$ref", out var reference))
        {
            // OpenAPI 3.0 forbids siblings of $ref, so a described reference is written as an allOf of one.
            if (schema.Count == 0)
                return new JsonObject { ["$ref"] = reference };
            schema["allOf"] = new JsonArray(new JsonObject { ["$ref"] = reference });
        }
        return schema;
    }

    private JsonObject Shape(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return new JsonObject { ["type"] = "string" };
        if (type == typeof(int))
            return new JsonObject { ["type"] = "integer", ["format"] = "int32" };
        if (type == typeof(long))
            return new JsonObject { ["type"] = "integer", ["format"] = "int64" };
        if (type == typeof(double))
            return new JsonObject { ["type"] = "number", ["format"] = "double" };
        if (type == typeof(bool))
            return new JsonObject { ["type"] = "boolean" };
        if (type == typeof(DateTime))
            return new JsonObject { ["type"] = "string", ["format"] = "date-time" };
        if (type == typeof(byte[]))
            return new JsonObject { ["type"] = "string", ["format"] = "byte" };
        if (type == typeof(IntOrString))
            return new JsonObject { ["x-kubernetes-int-or-string"] = true, ["format"] = "int-or-string", ["oneOf"] = Either("integer", "string") };
        if (type == typeof(ResourceQuantity))
            return new JsonObject { ["x-kubernetes-int-or-string"] = true, ["format"] = "quantity", ["oneOf"] = Either("string", "number") };
        if (type == typeof(object))
            return new JsonObject { ["x-kubernetes-preserve-unknown-fields"] = true };
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IDictionary<,>))
            return new JsonObject { ["type"] = "object", ["additionalProperties"] = Shape(type.GetGenericArguments()[1]) };
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IList<>))
            return new JsonObject { ["type"] = "array", ["items"] = Shape(type.GetGenericArguments()[0]) };
        if (type.Namespace == "k8s.Models" && type.IsClass)
            return new JsonObject { ["$ref"] = "#/components/schemas/" + NameOf(type) };
        throw new NotSupportedException($"no schema for {type}");
    }

    private static JsonArray Either(string one, string other) =>
        new(new JsonObject { ["type"] = one }, new JsonObject { ["type"] = other });

    private static void Apply(JsonObject schema, Annotation note)
    {
        switch (note.Directive)
        {
            case "required":
                break;
            case "map":
                schema["x-kubernetes-list-type"] = "map";
                schema["x-kubernetes-list-map-keys"] = new JsonArray([.. note.Arguments.Select(a => JsonValue.Create(a))]);
                schema["x-kubernetes-patch-strategy"] = "merge";
                schema["x-kubernetes-patch-merge-key"] = note.Arguments[0];
                break;
            case "mergeKey":
                schema["x-kubernetes-patch-strategy"] = "merge";
                schema["x-kubernetes-patch-merge-key"] = note.Arguments[0];
                break;
            case "set":
                schema["x-kubernetes-list-type"] = "set";
                schema["x-kubernetes-patch-strategy"] = "merge";
                break;
            case "atomic":
                schema[(string?)schema["type"] == "array" ? "x-kubernetes-list-type" : "x-kubernetes-map-type"] = "atomic";
                break;
            case "replace":
                schema.Remove("x-kubernetes-patch-strategy");
                schema.Remove("x-kubernetes-patch-merge-key");
                break;
            case "retainKeys":
                schema["x-kubernetes-patch-strategy"] = schema["x-kubernetes-patch-strategy"] is null ? "retainKeys" : "merge,retainKeys";
                break;
            case "enum":
                schema["enum"] = new JsonArray([.. note.Arguments.Select(a => JsonValue.Create(a))]);
                break;
            case "default":
                schema["default"] = JsonNode.Parse(note.Arguments[0]);
                break;
            case "min":
                schema["minimum"] = long.Parse(note.Arguments[0]);
                break;
            case "max":
                schema["maximum"] = long.Parse(note.Arguments[0]);
                break;
            case "itemsEnum":
                schema["items"]!["enum"] = new JsonArray([.. note.Arguments.Select(a => JsonValue.Create(a))]);
                break;
            default:
                throw new FormatException($"annotations.txt: unknown directive '{note.Directive}'");
        }
    }
}
