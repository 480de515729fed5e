using System.Globalization;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Tables;

/// <summary>Ages as the server prints them: two units at most, fewer as they grow (k8s.io/apimachinery/pkg/util/duration).</summary>
internal static class Age
{
    public const string Unknown = "<unknown>";

    /// <summary>Time since <c>metadata.creationTimestamp</c>.</summary>
    public static string Of(JsonObject obj, DateTimeOffset now) => Since(obj.Object("metadata").Text("creationTimestamp"), now);

    public static string Since(string? timestamp, DateTimeOffset now) =>
        Parse(timestamp) is { } then ? Human(now - then) : Unknown;

    public static DateTimeOffset? Parse(string? timestamp) =>
        DateTimeOffset.TryParse(timestamp, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    public static string Human(TimeSpan span)
    {
        var seconds = (long)span.TotalSeconds;
        if (seconds < -1)
            return "<invalid>";
        if (seconds < 0)
            return "0s";
        if (seconds < 120)
            return $"{seconds}s";
        var minutes = seconds / 60;
        if (minutes < 10)
            return Two(minutes, "m", seconds % 60, "s");
        if (minutes < 180)
            return $"{minutes}m";
        var hours = minutes / 60;
        return hours switch
        {
            < 8 => Two(hours, "h", minutes % 60, "m"),
            < 48 => $"{hours}h",
            < 192 => Two(hours / 24, "d", hours % 24, "h"),
            < 24 * 365 * 2 => $"{hours / 24}d",
            < 24 * 365 * 8 => Two(hours / 24 / 365, "y", hours / 24 % 365, "d"),
            _ => $"{hours / 24 / 365}y",
        };
    }

    private static string Two(long large, string largeUnit, long small, string smallUnit) =>
        small == 0 ? $"{large}{largeUnit}" : $"{large}{largeUnit}{small}{smallUnit}";
}
