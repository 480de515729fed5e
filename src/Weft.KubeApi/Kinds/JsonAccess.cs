using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds;

/// <summary>
/// Reads of JSON that may have any shape: a field that is absent or of another type reads as null. Types are checked once, when an
/// object is decoded, so the hooks of kinds need not repeat it.
/// </summary>
internal static class JsonAccess
{
    public static JsonObject? Object(this JsonNode? node, string field) => (node as JsonObject)?[field] as JsonObject;

    /// <summary>The object at a dotted path of plain field names.</summary>
    public static JsonObject? ObjectAt(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var field in path)
            node = (node as JsonObject)?[field];
        return node as JsonObject;
    }

    public static JsonArray? Array(this JsonNode? node, string field) => (node as JsonObject)?[field] as JsonArray;

    public static string? Text(this JsonNode? node, string field) => (node as JsonObject)?[field].AsText();

    public static long? Integer(this JsonNode? node, string field) => (node as JsonObject)?[field].AsInteger();

    public static bool Flag(this JsonNode? node, string field) => (node as JsonObject)?[field].AsFlag() ?? false;

    public static decimal? Number(this JsonNode? node, string field) => (node as JsonObject)?[field].AsNumber();

    /// <summary>The objects of an array field with their index; none when it is absent.</summary>
    public static IEnumerable<(int Index, JsonObject Item)> Items(this JsonNode? node, string field)
    {
        if (node.Array(field) is not { } array)
            yield break;
        for (var i = 0; i < array.Count; i++)
        {
            if (array[i] is JsonObject item)
                yield return (i, item);
        }
    }

    /// <summary>The strings of an array field; none when it is absent.</summary>
    public static IEnumerable<string> Texts(this JsonNode? node, string field) =>
        node.Array(field) is { } array ? array.Select(AsText).OfType<string>() : [];

    public static string? AsText(this JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public static bool? AsFlag(this JsonNode? node) => node is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : null;

    public static long? AsInteger(this JsonNode? node)
    {
        if (node is not JsonValue value || value.GetValueKind() != JsonValueKind.Number)
            return null;
        if (value.TryGetValue<long>(out var wide))
            return wide;
        if (value.TryGetValue<int>(out var narrow))
            return narrow;
        return node.AsNumber() is { } number && number == decimal.Truncate(number) && number is >= long.MinValue and <= long.MaxValue ? (long)number : null;
    }

    public static decimal? AsNumber(this JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.Number
        && decimal.TryParse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    /// <summary>The object field, made when absent (or when it is null or something else).</summary>
    public static JsonObject Ensure(this JsonObject node, string field)
    {
        if (node[field] is JsonObject found)
            return found;
        var made = new JsonObject();
        node[field] = made;
        return made;
    }

    /// <summary>Sets a field that is absent, null or an empty string: Go's decoder cannot tell these apart.</summary>
    public static void SetDefault(this JsonObject node, string field, JsonNode value)
    {
        if (node[field] is not { } found || found is JsonValue text && text.TryGetValue<string>(out var s) && s.Length == 0)
            node[field] = value;
    }
}
