using System.Collections.Concurrent;

namespace Weft.Drill;

/// <summary>How long calls took from process start to exit, by command, milliseconds: those that succeeded at the first attempt.</summary>
internal sealed class Latencies
{
    private readonly ConcurrentDictionary<string, ConcurrentBag<double>> _values = new(StringComparer.Ordinal);

    public void Add(string command, TimeSpan time) => _values.GetOrAdd(command, _ => []).Add(time.TotalMilliseconds);

    public IEnumerable<(string Command, int Count, double P50, double P90, double P99, double Max)> Table()
    {
        foreach (var (command, bag) in _values.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            var sorted = bag.Order().ToArray();
            yield return (command, sorted.Length, At(0.5), At(0.9), At(0.99), sorted[^1]);

            double At(double share) => sorted[(int)Math.Ceiling(share * sorted.Length) - 1];
        }
    }
}
