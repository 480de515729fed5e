using System.Threading.Channels;

namespace Weft.Lab.Informers;

/// <summary>
/// Keys to look at. A key waits in it once however often it is added, is never handed to two workers at a time, and comes back after
/// work on it ends when it was added meanwhile. Failures come back after 5 ms doubling to 30 s.
/// </summary>
internal sealed class WorkQueue(TimeProvider time)
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    private readonly Channel<string> _ready = Channel.CreateUnbounded<string>();
    private readonly HashSet<string> _dirty = new(StringComparer.Ordinal);
    private readonly HashSet<string> _busy = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _failures = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    public void Add(string key)
    {
        lock (_lock)
        {
            if (_dirty.Add(key) && !_busy.Contains(key))
                _ready.Writer.TryWrite(key);
        }
    }

    public void AddAfter(string key, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero)
            Add(key);
        else
            _ = DelayedAsync(key, delay);
    }

    public async Task<string> TakeAsync(CancellationToken cancel)
    {
        string key = await _ready.Reader.ReadAsync(cancel);
        lock (_lock)
        {
            _dirty.Remove(key);
            _busy.Add(key);
        }

        return key;
    }

    /// <summary>Work on a key has ended; a failure is retried later.</summary>
    public void Done(string key, bool succeeded)
    {
        int failures = 0;
        lock (_lock)
        {
            _busy.Remove(key);
            if (succeeded)
                _failures.Remove(key);
            else
                failures = _failures[key] = _failures.GetValueOrDefault(key) + 1;
            if (_dirty.Contains(key))
                _ready.Writer.TryWrite(key);
        }

        if (!succeeded)
            AddAfter(key, RetryDelay(failures));
    }

    internal static TimeSpan RetryDelay(int failures) =>
        failures >= 14 ? LongestRetry : TimeSpan.FromTicks(Math.Min(FirstRetry.Ticks << (failures - 1), LongestRetry.Ticks));

    private async Task DelayedAsync(string key, TimeSpan delay)
    {
        await Task.Delay(delay, time);
        Add(key);
    }
}
