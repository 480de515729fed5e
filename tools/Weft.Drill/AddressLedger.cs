using System.Collections.Concurrent;

namespace Weft.Drill;

/// <summary>
/// Who holds which address as a runtime sees it: from the answer to ADD until DEL, or the GC that omits the attachment, begins. Two at a time is
/// what must never happen.
/// </summary>
internal sealed class AddressLedger(Action<string> violation)
{
    private readonly ConcurrentDictionary<string, string> _holders = new(StringComparer.Ordinal);

    public int MostAtOnce { get; private set; }

    public void Claim(string containerId, IEnumerable<string> addresses)
    {
        foreach (var address in addresses)
        {
            var holder = _holders.GetOrAdd(address, containerId);
            if (holder != containerId)
                violation($"{address} was given to {containerId} while {holder} held it");
        }
        MostAtOnce = Math.Max(MostAtOnce, _holders.Count);
    }

    public void Release(string containerId, IEnumerable<string> addresses)
    {
        foreach (var address in addresses)
            _holders.TryRemove(new KeyValuePair<string, string>(address, containerId));
    }
}
