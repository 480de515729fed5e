using System.Net;
using Weft.Compile.Ipam;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Agent.Ipam.Blocks;

/// <summary>Which blocks of a pool nobody has, as far as this node knows.</summary>
internal static class BlockCandidates
{
    /// <summary>Beyond those known to be taken so many are looked at: an IPv6 pool has more blocks than anyone will count.</summary>
    private const int LookAhead = 4096;

    /// <summary>Lowest first.</summary>
    public static IEnumerable<IpPrefix> Of(IpPool pool, ClusterSnapshot snapshot)
    {
        var cidr = pool.Cidr!.Value;
        var taken = Taken(cidr, snapshot);
        var count = UInt128.Min(CountOf(pool), (UInt128)(taken.Count + LookAhead));
        var same = taken.Where(t => t.Length == pool.BlockSize).ToHashSet();
        var others = taken.Where(t => t.Length != pool.BlockSize).ToList();
        for (UInt128 i = 0; i < count; i++)
        {
            var block = cidr.Subnet(pool.BlockSize, i);
            if (!same.Contains(block) && !others.Exists(block.Overlaps) && IsUseful(block, pool))
                yield return block;
        }
    }

    /// <summary>The block that would hold an address; null when it is taken.</summary>
    public static IpPrefix? With(IPAddress address, IpPool pool, ClusterSnapshot snapshot)
    {
        var block = new IpPrefix(address, pool.BlockSize);
        return Taken(pool.Cidr!.Value, snapshot).Exists(block.Overlaps) ? null : block;
    }

    /// <summary>How many blocks a pool is divided into.</summary>
    public static UInt128 CountOf(IpPool pool) => UInt128.One << Math.Min(64, pool.BlockSize - pool.Cidr!.Value.Length);

    private static List<IpPrefix> Taken(IpPrefix pool, ClusterSnapshot snapshot) =>
        [.. snapshot.Blocks.Values.Select(b => b.Cidr).OfType<IpPrefix>().Concat(snapshot.Nodes.Values.SelectMany(n => n.PodCidrs)).Where(pool.Overlaps)];

    private static bool IsUseful(IpPrefix block, IpPool pool) =>
        !pool.Reserved.Any(block.Overlaps) || new AddressRange(block, pool.Reserved.AsImmutableArray()).Capacity > 0;
}
