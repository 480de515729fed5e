using System.Globalization;
using System.Text.Json.Nodes;

namespace Weft.Lab.Objects;

/// <summary>Kubernetes quantities: plain, decimal (m, k, M, G, T), binary (Ki, Mi, Gi, Ti) and exponent forms.</summary>
internal static class Quantities
{
    private static readonly (string Suffix, decimal Factor)[] Suffixes =
    [
        ("Ki", 1024m), ("Mi", 1048576m), ("Gi", 1073741824m), ("Ti", 1099511627776m), ("Pi", 1125899906842624m),
        ("n", 1e-9m), ("u", 1e-6m), ("m", 1e-3m), ("k", 1e3m), ("M", 1e6m), ("G", 1e9m), ("T", 1e12m), ("P", 1e15m),
    ];

    /// <summary>The value, or 0 for what is absent or no quantity.</summary>
    public static decimal Parse(JsonNode? node)
    {
        string? text = node.AsText() ?? (node as JsonValue)?.ToString();
        if (string.IsNullOrEmpty(text))
            return 0;
        foreach (var (suffix, factor) in Suffixes)
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal) && TryNumber(text[..^suffix.Length], out decimal scaled))
                return scaled * factor;
        }

        return TryNumber(text, out decimal plain) ? plain : 0;
    }

    private static bool TryNumber(string text, out decimal value) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
}
