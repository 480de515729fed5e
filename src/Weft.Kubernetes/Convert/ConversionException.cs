using System.Text.Json;

namespace Weft.Kubernetes.Convert;

/// <summary>An API object that cannot be understood: the field's path and what was found there.</summary>
internal sealed class ConversionException(string field, string problem) : Exception($"{field}: {problem}")
{
    public static void ThrowIfUnknown(Dictionary<string, JsonElement>? unknown, string field)
    {
        if (unknown is { Count: > 0 })
            throw new ConversionException($"{field}.{unknown.Keys.Order(StringComparer.Ordinal).First()}", "unknown field; this version of Weft does not know what it would restrict");
    }
}
