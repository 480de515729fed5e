using Spectre.Console;

namespace Weft.Cli.Check;

/// <summary>Lines of <c>weft check</c>: passed, or failed with what to do about it.</summary>
internal sealed class CheckReport
{
    public int Failed { get; private set; }

    public int Passed { get; private set; }

    public static void Section(string title) => AnsiConsole.MarkupLineInterpolated($"[bold]{title}[/]");

    public void Line(string what, bool passed, string detail, string advice)
    {
        if (passed)
        {
            Passed++;
            AnsiConsole.MarkupLineInterpolated($"  [green]passed[/] {what}{(detail.Length > 0 ? $" ({detail})" : "")}");
            return;
        }
        Failed++;
        AnsiConsole.MarkupLineInterpolated($"  [red]failed[/] {what}: {detail}");
        AnsiConsole.MarkupLineInterpolated($"         {advice}");
    }
}
