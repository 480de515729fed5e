using System.Net;
using Weft.Primitives;

namespace Weft.Compile.Ipam;

/// <summary>
/// The addresses of one prefix: which are in use, and in which order the free ones are handed out. Pure bookkeeping with no clock and no
/// I/O: what it hands out follows from the calls alone, so a journal of them restores it.
///
/// Addresses never used go first, lowest first; then the one that was released longest ago. A released address rests as long as possible,
/// because peers, connection tracking and DNS caches still know it as the pod that has gone.
/// </summary>
public sealed class AddressPool
{
    /// <summary>More than any node holds; keeps the bookkeeping of an IPv6 /64 bounded.</summary>
    private const int MaxAddresses = 1 << 16;

    private readonly HashSet<int> _used = [];

    /// <summary>With this many resting, the oldest has rested long enough: an IPv6 /64 must not gather a history of 65,536 addresses.</summary>
    private const int EnoughResting = 512;

    // Resting offsets by the sequence number of their release, oldest first, and back.
    private readonly SortedDictionary<long, int> _resting = [];
    private readonly Dictionary<int, long> _restingSince = [];
    private readonly int _last;
    private long _sequence;
    private int _next = 1;

    /// <exception cref="ArgumentException">The prefix has no address to hand out.</exception>
    public AddressPool(IpPrefix cidr)
    {
        if (Problem(cidr) is { } problem)
            throw new ArgumentException(problem, nameof(cidr));
        Cidr = cidr;
        // Offset 0 names the prefix (the VXLAN device holds it), the last is the broadcast address in IPv4: neither is a pod's.
        _last = (int)UInt128.Min(cidr.Size - 2, MaxAddresses);
    }

    public IpPrefix Cidr { get; }

    /// <summary>How many addresses can be handed out in all.</summary>
    public int Capacity => _last;

    public int InUse => _used.Count;

    /// <summary>Why a prefix cannot serve as a node's pod CIDR, or null.</summary>
    public static string? Problem(IpPrefix cidr) =>
        cidr.AddressBits - cidr.Length < 2
            ? $"pod CIDR {cidr} is too small: its first and last address are reserved, so at most /{cidr.AddressBits - 2} will do"
            : null;

    /// <summary>Hands out an address; null when all are in use.</summary>
    public IPAddress? Take()
    {
        while (_next <= _last && _resting.Count < EnoughResting)
        {
            var offset = _next++;
            if (!_restingSince.ContainsKey(offset) && _used.Add(offset))
                return Cidr.AddressAt((UInt128)offset);
        }
        if (_resting.Count == 0)
            return null;
        var (sequence, oldest) = _resting.First();
        _resting.Remove(sequence);
        _restingSince.Remove(oldest);
        _used.Add(oldest);
        return Cidr.AddressAt((UInt128)oldest);
    }

    /// <summary>Marks an address as in use, as the journal says it is. False when it is outside the pool or in use already.</summary>
    public bool Take(IPAddress address)
    {
        if (Offset(address) is not { } offset || !_used.Add(offset))
            return false;
        if (_restingSince.Remove(offset, out var sequence))
            _resting.Remove(sequence);
        return true;
    }

    /// <summary>Gives an address back; it now rests behind those released before. False when it is not in use.</summary>
    public bool Release(IPAddress address)
    {
        if (Offset(address) is not { } offset || !_used.Remove(offset))
            return false;
        Rest(offset);
        return true;
    }

    /// <summary>Notes that an address was in use once (from a compacted journal). False when it is in use or rests already.</summary>
    public bool Rest(IPAddress address)
    {
        if (Offset(address) is not { } offset || _used.Contains(offset) || _restingSince.ContainsKey(offset))
            return false;
        Rest(offset);
        return true;
    }

    /// <summary>Resting addresses, the longest resting first.</summary>
    public IEnumerable<IPAddress> Resting() => _resting.Values.Select(offset => Cidr.AddressAt((UInt128)offset));

    private void Rest(int offset)
    {
        _resting.Add(++_sequence, offset);
        _restingSince.Add(offset, _sequence);
    }

    private int? Offset(IPAddress address)
    {
        if (!Cidr.Contains(address))
            return null;
        var offset = Cidr.OffsetOf(address);
        return offset >= 1 && offset <= (UInt128)_last ? (int)offset : null;
    }
}
