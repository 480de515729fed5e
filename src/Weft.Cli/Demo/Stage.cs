using Spectre.Console;

namespace Weft.Cli.Demo;

/// <summary>How the demo speaks: a headline a step, and for each claim what was expected and what was seen.</summary>
internal sealed class Stage
{
    private readonly long _start = Environment.TickCount64;
    private int _step;

    public int Claims { get; private set; }

    public int Mismatches { get; private set; }

    public double Seconds => (Environment.TickCount64 - _start) / 1000.0;

    public void Headline(string text)
    {
        AnsiConsole.WriteLine();
        AnsiConsole.MarkupLineInterpolated($"[bold]{++_step}. {text}[/]  [grey]{Seconds:0.0} s[/]");
    }

    public static void Say(string text) => AnsiConsole.MarkupLineInterpolated($"   [grey]{text}[/]");

    public void Claim(string what, string expected, string seen, bool holds)
    {
        Claims++;
        if (!holds)
            Mismatches++;
        var mark = holds ? "[green]ok[/]" : "[red]MISMATCH[/]";
        AnsiConsole.MarkupLine($"   {mark} {Markup.Escape(what)}");
        AnsiConsole.MarkupLineInterpolated($"      expected: {expected}");
        AnsiConsole.MarkupLineInterpolated($"      seen:     {seen}");
    }

    /// <summary>A matrix of who reaches whom; a cell that is not as expected is marked and counted.</summary>
    public void Matrix(string title, IReadOnlyList<string> sources, IReadOnlyList<string> targets, Func<string, string, bool> expected, Func<string, string, string> seen)
    {
        var table = new Table().Border(TableBorder.Simple).Title($"[grey]{Markup.Escape(title)}[/]");
        table.AddColumn(new TableColumn("from \\ to").NoWrap());
        foreach (var target in targets)
            table.AddColumn(new TableColumn(Markup.Escape(target)).NoWrap());
        var wrong = new List<string>();
        foreach (var source in sources)
        {
            var cells = new List<string> { Markup.Escape(source) };
            foreach (var target in targets)
            {
                // A pod always reaches itself, through its Service too, so that asking says nothing about policy.
                if (source == target)
                {
                    cells.Add("[grey]itself[/]");
                    continue;
                }
                var (want, got) = (expected(source, target), seen(source, target));
                var right = want == (got == "open") && got is "open" or "timeout";
                if (!right)
                    wrong.Add($"{source} to {target}: expected {(want ? "open" : "no answer")}, seen {got}");
                cells.Add(right ? (want ? "[green]open[/]" : "[grey]dropped[/]") : $"[red]{Markup.Escape(got)}![/]");
            }
            table.AddRow([.. cells]);
        }
        AnsiConsole.Write(table);
        Claims++;
        if (wrong.Count > 0)
            Mismatches++;
        var pairs = sources.SelectMany(s => targets.Where(t => t != s).Select(t => (Source: s, Target: t))).ToList();
        var open = pairs.Count(p => expected(p.Source, p.Target));
        AnsiConsole.MarkupLineInterpolated($"   expected: {open} of {pairs.Count} open; seen: {(wrong.Count == 0 ? "exactly those" : string.Join("; ", wrong))}");
    }
}
