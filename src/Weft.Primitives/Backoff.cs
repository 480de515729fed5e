namespace Weft.Primitives;

/// <summary>
/// Exponential delays with full jitter between half and the whole of the step, so that many clients that failed together do not return
/// together. Not thread-safe.
/// </summary>
public sealed class Backoff(TimeSpan first, TimeSpan most, Random? random = null)
{
    private readonly Random _random = random ?? Random.Shared;
    private TimeSpan? _step;

    /// <summary>The delay before the next attempt; each call doubles the step until the most.</summary>
    public TimeSpan Next()
    {
        var step = _step ?? first;
        _step = TimeSpan.FromTicks(Math.Min(step.Ticks * 2, most.Ticks));
        return step * (0.5 + _random.NextDouble() / 2);
    }

    /// <summary>Call after a success.</summary>
    public void Reset() => _step = null;
}
