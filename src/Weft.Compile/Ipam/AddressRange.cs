using System.Net;
using Weft.Primitives;

namespace Weft.Compile.Ipam;

/// <summary>
/// The addresses of one prefix of a node: which are in use, which rest, and in which order the free ones are handed out. Pure bookkeeping with no
/// clock and no I/O: what it hands out follows from the calls alone, so a journal of them restores it. Times are of the caller's own clock,
/// which never goes back.
///
/// Addresses never used go first, lowest first; then the one that was released longest ago, once its rest is over. Peers, connection tracking
/// and DNS caches still know a released address as the pod that has gone.
/// </summary>
public sealed class AddressRange
{
    /// <summary>More than any node holds; keeps the bookkeeping of an IPv6 /64 bounded. Fixed addresses may lie beyond.</summary>
    private const int MaxAddresses = 1 << 16;

    /// <summary>With this many resting, the oldest is used again once rested: an IPv6 /64 must not gather a history of 65,536 addresses.</summary>
    private const int EnoughResting = 512;

    private readonly HashSet<UInt128> _used = [];

    // Resting offsets by the sequence number of their release, oldest first, and back.
    private readonly SortedDictionary<long, (UInt128 Offset, TimeSpan Ready)> _resting = [];
    private readonly Dictionary<UInt128, long> _restingSince = [];
    private readonly List<IpPrefix> _reserved;
    private readonly UInt128 _last;
    private long _sequence;
    private UInt128 _next = 1;

    /// <param name="reserved">Never handed out; what of it lies outside the prefix does not matter.</param>
    /// <exception cref="ArgumentException">The prefix has no address to hand out.</exception>
    public AddressRange(IpPrefix cidr, IEnumerable<IpPrefix> reserved)
    {
        if (Problem(cidr) is { } problem)
            throw new ArgumentException(problem, nameof(cidr));
        Cidr = cidr;
        // Offset 0 names the prefix (the VXLAN device holds it), the last is the broadcast address in IPv4: neither is a pod's.
        _last = UInt128.Min(cidr.Size - 2, MaxAddresses);
        _reserved = PrefixSet.Union(reserved.Where(cidr.Overlaps));
        Capacity = (int)(_last - _reserved.Aggregate(UInt128.Zero, (sum, r) => sum + Usable(r)));
    }

    public IpPrefix Cidr { get; }

    /// <summary>How many addresses can be handed out unasked in all.</summary>
    public int Capacity { get; }

    public int InUse => _used.Count;

    public int RestingCount => _resting.Count;

    /// <summary>Why a prefix cannot be a node's, or null.</summary>
    public static string? Problem(IpPrefix cidr) =>
        cidr.AddressBits - cidr.Length < 2
            ? $"pod CIDR {cidr} is too small: its first and last address are reserved, so at most /{cidr.AddressBits - 2} will do"
            : null;

    /// <summary>Hands out an address; null when all are in use or rest.</summary>
    public IPAddress? Take(TimeSpan now)
    {
        var rested = _resting.Count > 0 && _resting.First().Value.Ready <= now;
        if (!rested || _resting.Count < EnoughResting)
        {
            for (; _next <= _last; _next++)
            {
                if (Skip(_next) is { } beyond)
                    _next = beyond - 1;
                else if (!_restingSince.ContainsKey(_next) && _used.Add(_next))
                    return Cidr.AddressAt(_next++);
            }
        }
        // Not always the first: those read from a journal and those released since may have different rests.
        foreach (var (sequence, (offset, ready)) in _resting)
        {
            if (ready > now)
                continue;
            Wake(offset, sequence);
            _used.Add(offset);
            return Cidr.AddressAt(offset);
        }
        return null;
    }

    /// <summary>Whether <see cref="Take(TimeSpan)"/> would find an address.</summary>
    public bool HasRoom(TimeSpan now) => Free > 0 || _resting.Values.Any(r => r.Ready <= now);

    /// <summary>How many could be handed out that are neither in use nor resting.</summary>
    public int Free => Math.Max(0, Capacity - _used.Count(IsOrdinary) - _resting.Values.Count(r => IsOrdinary(r.Offset)));

    /// <summary>When the next resting address may be used again; null when none rests.</summary>
    public TimeSpan? NextReady => _resting.Count == 0 ? null : _resting.Values.Min(r => r.Ready);

    /// <summary>Marks an address as in use, whether it rests or not. False when it is no address of the range for pods, or in use already.</summary>
    public bool Take(IPAddress address)
    {
        if (Offset(address) is not { } offset || !_used.Add(offset))
            return false;
        if (_restingSince.TryGetValue(offset, out var sequence))
            Wake(offset, sequence);
        return true;
    }

    /// <summary>Whether an address is in use.</summary>
    public bool Holds(IPAddress address) => Offset(address) is { } offset && _used.Contains(offset);

    /// <summary>Whether an address of the prefix is kept from pods: by the pool, or as the prefix's first or last.</summary>
    public bool IsReserved(IPAddress address) => Offset(address) is null || _reserved.Any(r => r.Contains(address));

    /// <summary>Until when an address rests; null when it does not.</summary>
    public TimeSpan? RestsUntil(IPAddress address) =>
        Offset(address) is { } offset && _restingSince.TryGetValue(offset, out var sequence) ? _resting[sequence].Ready : null;

    /// <summary>Gives an address back; it now rests behind those released before. False when it is not in use.</summary>
    public bool Release(IPAddress address, TimeSpan ready)
    {
        if (Offset(address) is not { } offset || !_used.Remove(offset))
            return false;
        Rest(offset, ready);
        return true;
    }

    /// <summary>Notes that an address was in use once (from a journal). False when it is in use or rests already.</summary>
    public bool Rest(IPAddress address, TimeSpan ready)
    {
        if (Offset(address) is not { } offset || _used.Contains(offset) || _restingSince.ContainsKey(offset))
            return false;
        Rest(offset, ready);
        return true;
    }

    /// <summary>Resting addresses, the longest resting first.</summary>
    public IEnumerable<(IPAddress Address, TimeSpan Ready)> Resting() => _resting.Values.Select(r => (Cidr.AddressAt(r.Offset), r.Ready));

    // Among those handed out unasked.
    private bool IsOrdinary(UInt128 offset) => offset <= _last && Skip(offset) is null;

    private void Rest(UInt128 offset, TimeSpan ready)
    {
        if (_reserved.Any(r => r.Contains(Cidr.AddressAt(offset))))
            return;
        _resting.Add(++_sequence, (offset, ready));
        _restingSince.Add(offset, _sequence);
    }

    private void Wake(UInt128 offset, long sequence)
    {
        _resting.Remove(sequence);
        _restingSince.Remove(offset);
    }

    // The first offset behind the reserved prefix that holds this one.
    private UInt128? Skip(UInt128 offset)
    {
        if (_reserved.Count == 0)
            return null;
        var address = Cidr.AddressAt(offset);
        foreach (var prefix in _reserved)
            if (prefix.Contains(address))
                return prefix.Contains(Cidr) ? _last + 1 : Cidr.OffsetOf(prefix.Last) + 1;
        return null;
    }

    private UInt128 Usable(IpPrefix reserved)
    {
        if (reserved.Contains(Cidr))
            return _last;
        var (first, last) = (UInt128.Max(1, Cidr.OffsetOf(reserved.First)), UInt128.Min(_last, Cidr.OffsetOf(reserved.Last)));
        return last < first ? 0 : last - first + 1;
    }

    private UInt128? Offset(IPAddress address)
    {
        if (!Cidr.Contains(address))
            return null;
        var offset = Cidr.OffsetOf(address);
        return offset >= 1 && offset <= Cidr.Size - 2 ? offset : null;
    }
}
