using System.Net;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Ipam;

/// <content>What the store knows.</content>
public sealed partial class AddressStore
{
    /// <summary>What opening found that an operator may want to know, one sentence each.</summary>
    public IReadOnlyList<string> Found { get; }

    /// <summary>How long released addresses rest.</summary>
    public TimeSpan RestTime => _options.Rest;

    /// <summary>The prefixes that this node gives addresses of; empty before <see cref="SetRanges"/>.</summary>
    public IReadOnlyList<IpPrefix> Cidrs => [.. Ranges.Select(r => r.Cidr)];

    public IReadOnlyList<NodeRange> Ranges
    {
        get
        {
            lock (_lock)
                return _ranges.Ranges;
        }
    }

    /// <summary>All attachments, oldest first.</summary>
    public IReadOnlyList<AttachmentRecord> Attachments
    {
        get
        {
            lock (_lock)
                return [.. _attachments.Values.OrderBy(r => r.Created)];
        }
    }

    /// <summary>Whether a link is, or is about to become, the node's end of an attachment.</summary>
    public bool OwnsInterface(string hostInterface)
    {
        lock (_lock)
            return _hostInterfaces.Contains(hostInterface);
    }

    public AttachmentRecord? Find(AttachmentKey key)
    {
        lock (_lock)
            return _attachments.GetValueOrDefault(key);
    }

    /// <summary>Who holds an address; null when nobody does.</summary>
    public AttachmentRecord? HolderOf(IPAddress address)
    {
        lock (_lock)
            return _holders.TryGetValue(address, out var key) ? _attachments[key] : null;
    }

    /// <summary>The range that holds an address; null for one outside of all.</summary>
    public NodeRange? RangeOf(IPAddress address)
    {
        lock (_lock)
            return _ranges.RangeOf(address);
    }

    /// <summary>Whether an address of a range is kept from pods.</summary>
    public bool IsReserved(IPAddress address)
    {
        lock (_lock)
            return _ranges.Find(address)?.IsReserved(address) == true;
    }

    /// <summary>How long an address still rests; null when it does not rest, zero or less when it has rested long enough.</summary>
    public TimeSpan? RestOf(IPAddress address)
    {
        lock (_lock)
            return _ranges.RestsUntil(address) - Now;
    }

    /// <summary>Whether a choice can be served from the ranges of this node as they are.</summary>
    public bool HasRoom(FamilyChoice choice)
    {
        lock (_lock)
            return _ranges.HasRoom(choice, Now);
    }

    /// <summary>The ranges with their numbers, in the order of <see cref="Ranges"/>.</summary>
    public IReadOnlyList<RangeUsage> Usage()
    {
        lock (_lock)
            return [.. _ranges.All().Select(r => new RangeUsage(
                r.Range, r.Addresses.Capacity, r.Addresses.InUse, r.Addresses.Resting().Count(x => x.Ready > Now), r.Addresses.HasRoom(Now)))];
    }

    /// <summary>Resting addresses with the time that is left, the longest resting first within a range.</summary>
    public IReadOnlyList<(IPAddress Address, TimeSpan Left)> Resting()
    {
        lock (_lock)
            return [.. _ranges.Resting().Select(r => (r.Address, r.Ready - Now)).Where(r => r.Item2 > TimeSpan.Zero)];
    }

    /// <summary>Whether an address of a prefix is held, or has been until it may be given again.</summary>
    public bool AnyWithin(IpPrefix cidr)
    {
        lock (_lock)
            return _holders.Keys.Any(cidr.Contains) || _ranges.Resting().Any(r => cidr.Contains(r.Address) && r.Ready > Now);
    }

    /// <summary>What is to be said when a choice has no room.</summary>
    public CniException Shortage(FamilyChoice choice)
    {
        lock (_lock)
            return StoreErrors.NoRoom(_nodeName, _ranges.Of(choice), Now);
    }
}
