using System.Globalization;
using System.Net;
using System.Text.Json;
using Weft.Primitives;

namespace Weft.Wire.Cni;

/// <summary>Takes fields out of a JSON object by hand; each refusal (code 7) names the field's path and the value found.</summary>
internal static class JsonFields
{
    private const int MaxQuoted = 100;

    /// <summary>
    /// The field, unless it is absent or null. One that differs in case is taken when the right one is not there: containerd hands on HostPort,
    /// IngressRate and Servers, since those who read them in Go do not tell the difference (encoding/json, "preferring exact matches").
    /// </summary>
    public static bool TryGet(JsonElement parent, string field, out JsonElement element)
    {
        if (parent.TryGetProperty(field, out element))
            return element.ValueKind != JsonValueKind.Null;
        foreach (var property in parent.EnumerateObject())
        {
            if (string.Equals(property.Name, field, StringComparison.OrdinalIgnoreCase) && property.Value.ValueKind != JsonValueKind.Null)
            {
                element = property.Value;
                return true;
            }
        }
        return false;
    }

    public static string RequiredString(JsonElement parent, string field, string path = "")
    {
        if (path.Length > 0)
            RequireKind(parent, JsonValueKind.Object, path, "an object");
        return OptionalString(parent, field, path) is { Length: > 0 } text
            ? text
            : throw Invalid($"{Join(path, field)} is missing or empty in the network configuration");
    }

    public static string? OptionalString(JsonElement parent, string field, string path = "")
    {
        if (!TryGet(parent, field, out var element))
            return null;
        RequireKind(element, JsonValueKind.String, Join(path, field), "a string");
        return element.GetString();
    }

    public static bool? OptionalBool(JsonElement parent, string field, string path = "")
    {
        if (!TryGet(parent, field, out var element))
            return null;
        return element.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? element.GetBoolean()
            : throw Invalid($"{Join(path, field)}: {Shorten(element.GetRawText())} is {Describe(element.ValueKind)}; expected true or false");
    }

    /// <summary>A whole number within bounds.</summary>
    public static long? OptionalNumber(JsonElement parent, string field, string path, long least, long most)
    {
        if (!TryGet(parent, field, out var element))
            return null;
        RequireKind(element, JsonValueKind.Number, Join(path, field), "a number");
        return element.TryGetInt64(out var value) && value >= least && value <= most
            ? value
            : throw Invalid(string.Create(
                CultureInfo.InvariantCulture, $"{Join(path, field)}: {Shorten(element.GetRawText())} is not a whole number from {least} to {most}"));
    }

    public static int? OptionalInt(JsonElement parent, string field, string path = "", int least = 0, int most = int.MaxValue) =>
        (int?)OptionalNumber(parent, field, path, least, most);

    public static IPAddress? OptionalAddress(JsonElement parent, string field, string path)
    {
        var text = OptionalString(parent, field, path);
        return string.IsNullOrEmpty(text) ? null : ParseAddress(text, Join(path, field));
    }

    /// <summary>Reads a list; absent and null are an empty one. The reader is given each element with its path.</summary>
    public static EquatableArray<T> ReadArray<T>(JsonElement parent, string path, string field, Func<JsonElement, string, T> read) =>
        TryGet(parent, field, out var array) ? ReadArray(array, Join(path, field), read) : [];

    public static EquatableArray<T> ReadArray<T>(JsonElement array, string name, Func<JsonElement, string, T> read)
    {
        RequireKind(array, JsonValueKind.Array, name, "a list");
        var items = new List<T>(array.GetArrayLength());
        foreach (var element in array.EnumerateArray())
            items.Add(read(element, string.Create(CultureInfo.InvariantCulture, $"{name}[{items.Count}]")));
        return new EquatableArray<T>([.. items]);
    }

    public static string ReadText(JsonElement element, string path)
    {
        RequireKind(element, JsonValueKind.String, path, "a string");
        return element.GetString()!;
    }

    public static void RequireKind(JsonElement element, JsonValueKind kind, string path, string expected)
    {
        if (element.ValueKind != kind)
            throw Invalid($"{path}: {Shorten(element.GetRawText())} is {Describe(element.ValueKind)}; expected {expected}");
    }

    /// <summary>An address as it is usually written: no shorthand (10.1), no zone, no brackets.</summary>
    public static bool TryParseAddress(string text, out IPAddress address)
    {
        if (!text.Contains('/') && IpPrefix.TryParse(text, strict: false, out var prefix))
        {
            address = prefix.First;
            return true;
        }
        address = IPAddress.None;
        return false;
    }

    public static IPAddress ParseAddress(string text, string path) =>
        TryParseAddress(text, out var address) ? address : throw Invalid($"{path}: '{Shorten(text)}' is not an IP address");

    /// <summary>An address with a prefix length. It keeps its host bits: 10.1.0.5/24 is an address within a subnet, not a prefix.</summary>
    public static bool TryParseInterfaceAddress(string text, out IPAddress address, out int length)
    {
        var slash = text.IndexOf('/');
        if (slash >= 0 && TryParseAddress(text[..slash], out address) && IpPrefix.TryParse(text, strict: false, out var prefix))
        {
            length = prefix.Length;
            return true;
        }
        (address, length) = (IPAddress.None, 0);
        return false;
    }

    public static string Join(string path, string field) => path.Length == 0 ? field : $"{path}.{field}";

    /// <summary>What an error quotes of a value: a configuration may be a megabyte long, and control characters do not belong into logs.</summary>
    public static string Shorten(string text)
    {
        var end = Math.Min(text.Length, MaxQuoted);
        // Not between the halves of a surrogate pair, which could not be written as UTF-8.
        if (end < text.Length && char.IsHighSurrogate(text[end - 1]))
            end--;
        var cut = end == text.Length ? text : text[..end] + "...";
        return cut.Any(char.IsControl) ? string.Concat(cut.Select(c => char.IsControl(c) ? $"\\x{(int)c:x2}" : c.ToString())) : cut;
    }

    public static string Describe(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };

    public static CniException Invalid(string message, string? details = null) => new(CniErrorCode.InvalidConfiguration, message, details);
}
