using System.Text;
using System.Text.RegularExpressions;

namespace Weft.Kernel.Nftables;

/// <summary>
/// Turns libnftables' reports (<c>FILE:LINE:COLUMN-COLUMN: Error: MESSAGE</c>, the line, carets; erec.c) into one line of text each that
/// names the line's number, its text and what was wrong with it.
/// </summary>
internal static partial class NftErrorText
{
    private const int MostReports = 3;

    internal static string Explain(string report, string? path)
    {
        var lines = report.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var text = new StringBuilder();
        var count = 0;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = path is null ? lines[i] : lines[i].Replace(path, "", StringComparison.Ordinal);
            var match = Report().Match(line);
            if (!match.Success)
                continue;
            if (++count > MostReports)
                continue;
            if (text.Length > 0)
                text.Append("; ");
            if (match.Groups["line"].Success)
                text.Append("line ").Append(match.Groups["line"].Value).Append(", column ").Append(match.Groups["column"].Value).Append(": ");
            text.Append(match.Groups["message"].Value);
            if (i + 1 < lines.Length && !Report().IsMatch(lines[i + 1]))
                text.Append(" in '").Append(lines[i + 1].Trim()).Append('\'');
        }
        if (count > MostReports)
            text.Append($"; and {count - MostReports} more");
        return text.Length > 0 ? text.ToString() : report.Trim() is { Length: > 0 } raw ? raw : "libnftables gave no reason";
    }

    [GeneratedRegex(@"^(?::(?<line>\d+):(?<column>\d+)-\d+: )?(?:[^ ]* ?)?Error: (?<message>.*)$")]
    private static partial Regex Report();
}
