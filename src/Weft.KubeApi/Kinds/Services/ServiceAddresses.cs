using System.Net;
using Weft.Primitives;

namespace Weft.KubeApi.Kinds.Services;

/// <summary>
/// Which Service addresses are taken, in memory: rebuilt at start from the Services, IPAddresses and ServiceCIDRs found in the store.
/// Safe for concurrent use.
/// </summary>
internal sealed class ServiceAddresses(Random random)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, string> _owners = [];
    private readonly HashSet<IPAddress> _objects = [];
    private readonly List<(string Name, IpPrefix[] Prefixes)> _ranges = [];

    /// <summary>IPv4 and IPv6 as far as there are ranges of them; the family of new single-stack Services first.</summary>
    public IReadOnlyList<string> Families
    {
        get
        {
            lock (_gate)
                return [.. Ordered().Select(p => p.IsIPv6 ? "IPv6" : "IPv4").Distinct()];
        }
    }

    /// <summary>The ranges of a family as errors list them.</summary>
    public string Ranges(bool ipv6)
    {
        lock (_gate)
            return string.Join(", ", Ordered().Where(p => p.IsIPv6 == ipv6));
    }

    public void SetRange(string name, IEnumerable<IpPrefix> prefixes)
    {
        lock (_gate)
        {
            _ranges.RemoveAll(r => r.Name == name);
            _ranges.Add((name, [.. prefixes]));
        }
    }

    public void RemoveRange(string name)
    {
        lock (_gate)
            _ranges.RemoveAll(r => r.Name == name);
    }

    /// <summary>An IPAddress object of this name exists: nobody but its parent may have the address.</summary>
    public void SetObject(IPAddress address, bool exists)
    {
        lock (_gate)
        {
            if (exists)
                _objects.Add(address);
            else
                _objects.Remove(address);
        }
    }

    /// <summary>Records what a stored Service has, whatever else claims it.</summary>
    public void Restore(IPAddress address, string owner)
    {
        lock (_gate)
            _owners[address] = owner;
    }

    public bool Contains(IPAddress address)
    {
        lock (_gate)
            return Ordered().Any(p => IsUsable(p, address));
    }

    /// <summary>Takes an address that a client asked for; false when somebody has it.</summary>
    public bool TryTake(IPAddress address, string owner)
    {
        lock (_gate)
            return !_objects.Contains(address) && _owners.TryAdd(address, owner);
    }

    /// <summary>Takes a free address of a family; null when all are taken.</summary>
    public IPAddress? TakeAny(bool ipv6, string owner)
    {
        lock (_gate)
        {
            foreach (var range in Ordered().Where(p => p.IsIPv6 == ipv6))
            {
                if (Free(range) is not { } address)
                    continue;
                _owners[address] = owner;
                return address;
            }
            return null;
        }
    }

    public void Release(IPAddress address, string owner)
    {
        lock (_gate)
        {
            if (_owners.GetValueOrDefault(address) == owner)
                _owners.Remove(address);
        }
    }

    /// <summary>The default range, which the installer names kubernetes, goes before later ones.</summary>
    private IEnumerable<IpPrefix> Ordered() => _ranges.OrderBy(r => r.Name == "kubernetes" ? 0 : 1).SelectMany(r => r.Prefixes);

    /// <summary>The first address of a range is the network's, and the last of an IPv4 range its broadcast address.</summary>
    private static bool IsUsable(IpPrefix range, IPAddress address) =>
        range.Contains(address) && range.OffsetOf(address) is var offset && offset > 0 && offset <= LastOffset(range);

    private static UInt128 LastOffset(IpPrefix range) => range.Size - (range.IsIPv6 ? 1u : 2u);

    /// <summary>
    /// From a random place in the upper part on, so that the lower part stays for addresses that are asked for by number (KEP-3070).
    /// </summary>
    private IPAddress? Free(IpPrefix range)
    {
        if (range.Size < 4)
            return null;
        var last = (long)UInt128.Min(LastOffset(range), int.MaxValue);
        var band = Math.Min(Math.Clamp((last + 1) / 16, 16, 256), last);
        var start = band < last ? random.NextInt64(band + 1, last + 1) : 1;
        return Scan(range, start, last) ?? Scan(range, band + 1, start - 1) ?? Scan(range, 1, band);
    }

    private IPAddress? Scan(IpPrefix range, long from, long to)
    {
        for (var offset = from; offset <= to; offset++)
        {
            var address = range.AddressAt((UInt128)offset);
            if (!_owners.ContainsKey(address) && !_objects.Contains(address))
                return address;
        }
        return null;
    }
}
