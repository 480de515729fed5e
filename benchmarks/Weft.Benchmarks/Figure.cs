using System.Globalization;
using System.Text.Json.Nodes;

namespace Weft.Benchmarks;

/// <summary>One line of <c>out/bench.json</c>. A bar is the most allowed, or with <see cref="AtLeast"/> the least.</summary>
internal sealed record Figure(string Name, double Value, string Unit, double Bar, bool AtLeast = false)
{
    public bool Passed => AtLeast ? Value >= Bar : Value <= Bar;

    public JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["value"] = Math.Round(Value, 4),
        ["unit"] = Unit,
        ["bar"] = Bar,
        ["passed"] = Passed,
    };

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Name,-62} {Value,10:0.###} {Unit,-6} {(AtLeast ? ">=" : "<=")} {Bar,-7:0.###} {(Passed ? "passed" : "MISSED")}");
}

internal static class Statistics
{
    public static double Median(this IEnumerable<double> values) => values.Percentile(0.5);

    /// <summary>Nearest rank.</summary>
    public static double Percentile(this IEnumerable<double> values, double p)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : sorted[Math.Clamp((int)Math.Ceiling(p * sorted.Length) - 1, 0, sorted.Length - 1)];
    }
}
