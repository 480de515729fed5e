using System.Text;
using Weft.Primitives;

namespace Weft.Model.Tables;

/// <summary>A table as <c>weft show</c> prints it and as tests compare it: a name, columns, and rows of text in a fixed order.</summary>
public sealed record ShowTable(string Name, EquatableArray<string> Columns, EquatableArray<EquatableArray<string>> Rows)
{
    /// <summary>Columns padded with spaces, a header line first, nothing trailing; an empty cell is <c>-</c>.</summary>
    public string ToText()
    {
        var widths = Columns.Select((column, i) => Math.Max(column.Length, Rows.Count == 0 ? 0 : Rows.Max(r => Cell(r, i).Length))).ToArray();
        var text = new StringBuilder();
        AppendLine(text, Columns, widths);
        foreach (var row in Rows)
            AppendLine(text, row, widths);
        return text.ToString();
    }

    private static string Cell(EquatableArray<string> row, int i) => row[i].Length == 0 ? "-" : row[i];

    private static void AppendLine(StringBuilder text, EquatableArray<string> row, int[] widths)
    {
        var line = new StringBuilder();
        for (var i = 0; i < widths.Length; i++)
            line.Append(Cell(row, i).PadRight(widths[i] + 2));
        text.Append(line.ToString().TrimEnd()).Append('\n');
    }
}
