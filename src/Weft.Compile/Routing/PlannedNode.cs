using System.Net;
using Weft.Compile.Tables;
using Weft.Model.Cluster;
using Weft.Primitives;

namespace Weft.Compile.Routing;

/// <summary>A node's usable part, checked against every other node's: at most one pod prefix a family, its blocks, and what it borrowed or lent.</summary>
/// <param name="Blocks">The oldest first.</param>
/// <param name="Borrowed">Addresses of other nodes' blocks that pods of this one have.</param>
/// <param name="Lent">Addresses of its blocks that pods of other nodes have.</param>
internal sealed record PlannedNode(
    Node Node, IReadOnlyList<IpPrefix> PodCidrs, List<IpPrefix> Blocks, List<IPAddress> Borrowed, List<IPAddress> Lent)
{
    /// <summary>
    /// The prefix whose first address stands for the node in the tunnel: its pod prefix, and without one its oldest block, which its agent keeps. So
    /// next hops stay the same while blocks come and go.
    /// </summary>
    public IpPrefix? Anchor(bool ipv6) => Of(PodCidrs, ipv6) ?? Of(Blocks, ipv6);

    /// <summary>The node's ranges: every prefix that leads to it.</summary>
    public IEnumerable<IpPrefix> Ranges => PodCidrs.Concat(Blocks);

    /// <summary>Prefixes that cover this node's own pods and no other's.</summary>
    public IReadOnlyList<IpPrefix> OwnPods(bool ipv6)
    {
        var ranges = Ranges.Where(c => c.IsIPv6 == ipv6);
        var borrowed = Borrowed.Where(a => Family.IsIPv6(a) == ipv6).Select(IpPrefix.Host);
        var lent = Lent.Where(a => Family.IsIPv6(a) == ipv6).Select(IpPrefix.Host);
        return PrefixSet.Union(PrefixSet.Subtract(ranges, lent).Concat(borrowed));
    }

    /// <summary>The first underlay address of a family.</summary>
    public IPAddress? Underlay(bool ipv6) => Node.Addresses.FirstOrDefault(a => Family.IsIPv6(a) == ipv6);

    private static IpPrefix? Of(IReadOnlyList<IpPrefix> prefixes, bool ipv6)
    {
        foreach (var prefix in prefixes)
        {
            if (prefix.IsIPv6 == ipv6)
                return prefix;
        }
        return null;
    }
}
