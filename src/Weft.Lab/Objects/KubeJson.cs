using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weft.Lab.Objects;

/// <summary>Reading Kubernetes objects in their own JSON. A missing or differently typed field reads as absent.</summary>
internal static class KubeJson
{
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (string step in path)
        {
            if (node is not JsonObject obj || !obj.TryGetPropertyValue(step, out node))
                return null;
        }

        return node;
    }

    public static JsonObject? Obj(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) as JsonObject;

    /// <summary>The objects of an array; nothing when it is absent.</summary>
    public static IEnumerable<JsonObject> Items(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonArray array ? array.OfType<JsonObject>() : [];

    public static IEnumerable<string> Strings(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonArray array ? array.Select(n => n.AsText()).OfType<string>() : [];

    public static string? Str(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path).AsText();

    public static string? AsText(this JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    public static long? Num(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        if (node.At(path) is not JsonValue value || value.GetValueKind() != JsonValueKind.Number)
            return null;
        if (value.TryGetValue(out long number))
            return number;
        return value.TryGetValue(out int small) ? small : value.TryGetValue(out double real) ? (long)real : null;
    }

    public static int Int(this JsonNode? node, int absent, params ReadOnlySpan<string> path) => (int?)node.Num(path) ?? absent;

    public static bool Flag(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.GetValueKind() == JsonValueKind.True;

    public static DateTimeOffset? Time(this JsonNode? node, params ReadOnlySpan<string> path) =>
        DateTimeOffset.TryParse(node.Str(path), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    public static string Name(this JsonObject obj) => obj.Str("metadata", "name") ?? "";

    public static string Namespace(this JsonObject obj) => obj.Str("metadata", "namespace") ?? "";

    public static string Uid(this JsonObject obj) => obj.Str("metadata", "uid") ?? "";

    public static string Key(this JsonObject obj) => obj.Namespace() is { Length: > 0 } ns ? ns + "/" + obj.Name() : obj.Name();

    /// <summary>0 when the object has none. This API counts versions in whole numbers.</summary>
    public static ulong Version(this JsonObject obj) => ulong.TryParse(obj.Str("metadata", "resourceVersion"), out ulong v) ? v : 0;

    public static bool IsDeleting(this JsonObject obj) => obj.At("metadata", "deletionTimestamp") is not null;

    public static IEnumerable<KeyValuePair<string, string>> StringMap(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.Obj(path) is { } map ? map.Select(p => KeyValuePair.Create(p.Key, p.Value.AsText() ?? "")) : [];

    public static string? Label(this JsonObject obj, string key) => obj.Str("metadata", "labels", key);

    public static string? Annotation(this JsonObject obj, string key) => obj.Str("metadata", "annotations", key);

    public static JsonObject? ControllerOf(this JsonObject obj) =>
        obj.Items("metadata", "ownerReferences").FirstOrDefault(r => r.Flag("controller"));

    public static (string Namespace, string Name) SplitKey(string key)
    {
        int slash = key.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? ("", key) : (key[..slash], key[(slash + 1)..]);
    }

    /// <summary>A copy that may be changed and placed in another tree.</summary>
    public static JsonObject Copy(this JsonObject obj) => (JsonObject)obj.DeepClone();

    public static JsonArray ToJsonArray(this IEnumerable<string> items) => new([.. items.Select(i => (JsonNode?)i)]);

    public static JsonArray ToJsonArray(this IEnumerable<JsonObject> items) => new([.. items]);

    /// <summary>RFC 3339 in whole seconds, as metav1.Time.</summary>
    public static string ToTime(this DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>RFC 3339 in microseconds, as metav1.MicroTime.</summary>
    public static string ToMicroTime(this DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
