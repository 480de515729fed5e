using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weft.KubeApi;

/// <summary>Small helpers over System.Text.Json.Nodes.</summary>
internal static class Json
{
    // Objects are data for programs, not for HTML pages: escape no more than JSON asks for.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private static readonly JsonDocumentOptions ReaderOptions = new() { AllowDuplicateProperties = false, MaxDepth = 256 };

    /// <exception cref="JsonException">Not JSON, or a field appears twice.</exception>
    public static JsonNode? Parse(ReadOnlySpan<byte> utf8) => JsonNode.Parse(utf8, null, ReaderOptions);

    public static JsonNode? Parse(string json) => JsonNode.Parse(json, null, ReaderOptions);

    public static byte[] ToUtf8(JsonNode node)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
            node.WriteTo(writer);
        return buffer.WrittenSpan.ToArray();
    }

    public static string ToText(JsonNode? node) => node is null ? "null" : Encoding.UTF8.GetString(ToUtf8(node));

    public static JsonNode Revision(long revision) => JsonValue.Create(revision.ToString(CultureInfo.InvariantCulture));

    /// <summary>RFC 3339 in whole seconds, as metav1.Time.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static bool TryTime(JsonNode? node, out DateTimeOffset time)
    {
        time = default;
        return Text(node) is { } text
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
    }

    /// <summary>The string, or null when the node is absent or something else.</summary>
    public static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public static long? Integer(JsonNode? node)
    {
        if (node is not JsonValue value)
            return null;
        if (value.TryGetValue<long>(out var number))
            return number;
        return value.TryGetValue<int>(out var small) ? small : null;
    }

    /// <summary>The child object of a name, made when absent.</summary>
    public static JsonObject Child(JsonObject parent, string name)
    {
        if (parent[name] is JsonObject child)
            return child;
        child = [];
        parent[name] = child;
        return child;
    }

    /// <summary>The node at a dotted path such as <c>spec.nodeName</c>; null when any step is absent.</summary>
    public static JsonNode? At(JsonNode? node, string path)
    {
        foreach (var step in path.TrimStart('.').Split('.'))
            node = (node as JsonObject)?[step];
        return node;
    }

    /// <summary>A scalar as selectors compare it: strings as they are, numbers and booleans in JSON form, absent as empty.</summary>
    public static string Scalar(JsonNode? node) => Text(node) ?? node?.ToJsonString() ?? "";

    public static bool Same(JsonNode? left, JsonNode? right) => JsonNode.DeepEquals(left, right);

    public static JsonArray Strings(IEnumerable<string> values)
    {
        var array = new JsonArray();
        foreach (var value in values)
            array.Add((JsonNode)JsonValue.Create(value));
        return array;
    }

    public static IEnumerable<string> Strings(JsonNode? node)
    {
        if (node is not JsonArray array)
            yield break;
        foreach (var item in array)
        {
            if (Text(item) is { } text)
                yield return text;
        }
    }
}
