namespace Weft.Dns;

/// <summary>
/// Answers of upstream servers, by question, until their time is up. Bounded in entries and bytes: the oldest go first. Thread-safe.
/// </summary>
internal sealed class DnsCache(int maxEntries, int maxBytes, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<DnsQuestion, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _oldestFirst = [];
    private int _bytes;

    public int Count
    {
        get
        {
            lock (_lock)
                return _entries.Count;
        }
    }

    /// <summary>The answer and its age in seconds, or null.</summary>
    public (UpstreamAnswer Answer, uint Age)? Find(DnsQuestion question)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(question, out var node))
                return null;
            var age = time.GetElapsedTime(node.Value.Stored);
            if (age < TimeSpan.FromSeconds(node.Value.Answer.LifetimeSeconds))
                return (node.Value.Answer, (uint)age.TotalSeconds);
            Remove(node);
            return null;
        }
    }

    public void Add(DnsQuestion question, UpstreamAnswer answer)
    {
        if (answer.LifetimeSeconds == 0 || answer.Size > maxBytes)
            return;
        lock (_lock)
        {
            if (_entries.TryGetValue(question, out var old))
                Remove(old);
            _entries.Add(question, _oldestFirst.AddLast(new Entry(question, answer, time.GetTimestamp())));
            _bytes += answer.Size;
            while (_entries.Count > maxEntries || _bytes > maxBytes)
                Remove(_oldestFirst.First!);
        }
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        _entries.Remove(node.Value.Question);
        _oldestFirst.Remove(node);
        _bytes -= node.Value.Answer.Size;
    }

    private sealed record Entry(DnsQuestion Question, UpstreamAnswer Answer, long Stored);
}
