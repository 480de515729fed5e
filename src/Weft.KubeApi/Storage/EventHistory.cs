namespace Weft.KubeApi.Storage;

/// <summary>The last changes, oldest first, in a ring. Not safe for concurrent use: the store guards it.</summary>
internal sealed class EventHistory(int capacity, long start)
{
    private readonly StoreEvent[] _ring = new StoreEvent[capacity];
    private int _head;
    private int _count;

    /// <summary>Changes up to and including this revision are forgotten: a watch may start here, not before.</summary>
    public long CompactedRevision { get; private set; } = start;

    public void Add(StoreEvent change)
    {
        if (_count == _ring.Length)
            DropOldest();
        _ring[(_head + _count) % _ring.Length] = change;
        _count++;
    }

    public void Compact(long revision)
    {
        while (_count > 0 && _ring[_head].Revision <= revision)
            DropOldest();
        CompactedRevision = Math.Max(CompactedRevision, revision);
    }

    /// <summary>Changes after a revision, oldest first.</summary>
    public IEnumerable<StoreEvent> After(long revision)
    {
        // Revisions grow along the ring, so the first one wanted is found by halving.
        int low = 0, high = _count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ring[(_head + middle) % _ring.Length].Revision <= revision)
                low = middle + 1;
            else
                high = middle;
        }
        for (var i = low; i < _count; i++)
            yield return _ring[(_head + i) % _ring.Length];
    }

    private void DropOldest()
    {
        CompactedRevision = _ring[_head].Revision;
        _ring[_head] = null!;
        _head = (_head + 1) % _ring.Length;
        _count--;
    }
}
