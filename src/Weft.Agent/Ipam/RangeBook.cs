using System.Net;
using Weft.Compile.Ipam;
using Weft.Primitives;

namespace Weft.Agent.Ipam;

/// <summary>
/// The ranges of a node and what rests outside of them: addresses read from the journal before the ranges are known, of ranges that went, borrowed
/// ones, and those that their range keeps from pods now but need not tomorrow. Not thread-safe. Times are on the store's own clock.
/// </summary>
internal sealed class RangeBook
{
    private readonly List<Entry> _ranges = [];

    // Oldest first.
    private readonly List<(IPAddress Address, TimeSpan Ready)> _outside = [];

    private sealed record Entry(NodeRange Range, AddressRange Addresses);

    public IReadOnlyList<NodeRange> Ranges => [.. _ranges.Select(r => r.Range)];

    /// <summary>Replaces the ranges; those that stay as they are keep the order in which they hand out.</summary>
    /// <param name="held">Every address in use.</param>
    public void Set(IReadOnlyList<NodeRange> ranges, IEnumerable<IPAddress> held)
    {
        if (ranges.SequenceEqual(_ranges.Select(r => r.Range)))
            return;
        var kept = _ranges.Where(r => ranges.Contains(r.Range)).ToDictionary(r => r.Range);
        var resting = _outside.Concat(_ranges.Where(r => !kept.ContainsKey(r.Range)).SelectMany(r => r.Addresses.Resting())).ToList();
        _ranges.Clear();
        _ranges.AddRange(ranges.Select(r => kept.GetValueOrDefault(r) ?? new Entry(r, new AddressRange(r.Cidr, r.Reserved.AsImmutableArray()))));
        _outside.Clear();
        foreach (var address in held)
            Take(address);
        foreach (var (address, ready) in resting)
            Rest(address, ready);
    }

    public bool Contains(IPAddress address) => Find(address) is not null;

    public NodeRange? RangeOf(IPAddress address) => _ranges.Find(r => r.Range.Cidr.Contains(address))?.Range;

    /// <summary>Takes an address of the first of these pools that has one free and rested.</summary>
    public IPAddress? Take(FamilyChoice choice, TimeSpan now)
    {
        foreach (var pool in choice.Pools)
            foreach (var entry in _ranges)
                if (entry.Range.Pool == pool && choice.Allows(entry.Range) && entry.Addresses.Take(now) is { } address)
                    return address;
        return null;
    }

    public bool HasRoom(FamilyChoice choice, TimeSpan now) => _ranges.Exists(e => choice.Allows(e.Range) && e.Addresses.HasRoom(now));

    /// <summary>The ranges that a choice may take from.</summary>
    public IReadOnlyList<(NodeRange Range, AddressRange Addresses)> Of(FamilyChoice choice) =>
        [.. _ranges.Where(e => choice.Allows(e.Range)).Select(e => (e.Range, e.Addresses))];

    public IEnumerable<(NodeRange Range, AddressRange Addresses)> All() => _ranges.Select(e => (e.Range, e.Addresses));

    public AddressRange? Find(IPAddress address) => _ranges.Find(r => r.Range.Cidr.Contains(address))?.Addresses;

    /// <summary>Marks an address as in use, wherever it lies.</summary>
    public void Take(IPAddress address)
    {
        Find(address)?.Take(address);
        if (Giver(address) is null)
            _outside.RemoveAll(r => r.Address.Equals(address));
    }

    public void Release(IPAddress address, TimeSpan ready)
    {
        Find(address)?.Release(address, ready);
        if (Giver(address) is null)
            RestOutside(address, ready);
    }

    public void Rest(IPAddress address, TimeSpan ready)
    {
        if (Giver(address) is { } range)
            range.Rest(address, ready);
        else
            RestOutside(address, ready);
    }

    /// <summary>Until when an address rests; null when it does not.</summary>
    public TimeSpan? RestsUntil(IPAddress address)
    {
        if (Giver(address) is { } range)
            return range.RestsUntil(address);
        foreach (var (resting, ready) in _outside)
            if (resting.Equals(address))
                return ready;
        return null;
    }

    public IEnumerable<(IPAddress Address, TimeSpan Ready)> Resting() => _outside.Concat(_ranges.SelectMany(r => r.Addresses.Resting()));

    /// <summary>Forgets what rests outside of every range and has rested long enough to be forgotten.</summary>
    public void ForgetOutside(TimeSpan restedSince) => _outside.RemoveAll(r => r.Ready <= restedSince);

    // The range that would give the address to a pod: not one that reserves it, or of which it is the first or last.
    private AddressRange? Giver(IPAddress address) => Find(address) is { } range && !range.IsReserved(address) ? range : null;

    private void RestOutside(IPAddress address, TimeSpan ready)
    {
        _outside.RemoveAll(r => r.Address.Equals(address));
        _outside.Add((address, ready));
    }
}
