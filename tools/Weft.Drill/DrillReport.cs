using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Weft.Drill;

/// <summary>What a drill came to.</summary>
internal sealed class DrillReport(DrillOptions options)
{
    private const int MostShown = 40;

    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _violations = [];
    private readonly ConcurrentQueue<string> _proofs = [];

    public Latencies Latencies { get; } = new();

    public int Kills { get; set; }

    public TimeSpan Time { get; set; }

    public IReadOnlyCollection<string> Violations => _violations;

    public IReadOnlyDictionary<string, int> Counts => _counts;

    public void Count(string what) => _counts.AddOrUpdate(what, 1, (_, count) => count + 1);

    public void Violation(string what) => _violations.Enqueue(what);

    /// <summary>A sentence about what was looked at and found in order.</summary>
    public void Proof(string what) => _proofs.Enqueue(what);

    public string Text()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"seed {options.Seed}, {options.Count} attachments, {options.Workers} workers: {Time.TotalSeconds:0.0} s, agent killed {Kills} times");
        foreach (var (what, count) in _counts.OrderBy(c => c.Key, StringComparer.Ordinal))
            text.AppendLine(CultureInfo.InvariantCulture, $"  {what,-24}{count,8}");
        text.AppendLine("  latency, ms               calls       p50       p90       p99       max   (first attempts that succeeded)");
        foreach (var (command, count, p50, p90, p99, max) in Latencies.Table())
            text.AppendLine(CultureInfo.InvariantCulture, $"  {command,-24}{count,8}{p50,10:0.0}{p90,10:0.0}{p99,10:0.0}{max,10:0.0}");
        foreach (var proof in _proofs)
            text.AppendLine(CultureInfo.InvariantCulture, $"  ok: {proof}");
        foreach (var violation in _violations.Take(MostShown))
            text.AppendLine(CultureInfo.InvariantCulture, $"  VIOLATION: {violation}");
        if (_violations.Count > MostShown)
            text.AppendLine(CultureInfo.InvariantCulture, $"  and {_violations.Count - MostShown} more");
        text.AppendLine(_violations.IsEmpty ? "nothing leaked and nothing was held twice" : $"{_violations.Count} violations");
        return text.ToString();
    }
}
