namespace Weft.Primitives;

/// <summary>Arithmetic on sets of addresses that are written as prefixes. Results are sorted, disjoint and as few prefixes as possible.</summary>
public static class PrefixSet
{
    /// <summary>The prefixes that cover exactly the addresses of any of the given ones.</summary>
    public static List<IpPrefix> Union(IEnumerable<IpPrefix> prefixes)
    {
        var sorted = prefixes.ToList();
        sorted.Sort();
        var result = new List<IpPrefix>(sorted.Count);
        foreach (var prefix in sorted)
        {
            // A container sorts before what it contains, and everything on the stack is disjoint: only the top can contain the next one.
            if (result.Count > 0 && result[^1].Contains(prefix))
                continue;
            result.Add(prefix);
            while (result.Count > 1 && AreSiblings(result[^2], result[^1]))
            {
                result.RemoveAt(result.Count - 1);
                result[^1] = new IpPrefix(result[^1].First, result[^1].Length - 1);
            }
        }
        return result;
    }

    /// <summary>The prefixes that cover the addresses of <paramref name="from"/> which none of <paramref name="holes"/> covers.</summary>
    public static List<IpPrefix> Subtract(IEnumerable<IpPrefix> from, IEnumerable<IpPrefix> holes)
    {
        var rest = Union(from);
        foreach (var hole in Union(holes))
        {
            var next = new List<IpPrefix>(rest.Count + 8);
            foreach (var prefix in rest)
                SubtractOne(prefix, hole, next);
            rest = next;
        }
        return Union(rest);
    }

    /// <summary>Whether any of the prefixes covers the address.</summary>
    public static bool Covers(IEnumerable<IpPrefix> prefixes, IpPrefix address) => prefixes.Any(p => p.Contains(address));

    private static void SubtractOne(IpPrefix prefix, IpPrefix hole, List<IpPrefix> into)
    {
        if (hole.Contains(prefix))
            return;
        if (!prefix.Contains(hole))
        {
            into.Add(prefix);
            return;
        }
        // Walk down towards the hole; at each level the half without it stays.
        var current = prefix;
        while (current.Length < hole.Length)
        {
            var low = current.Subnet(current.Length + 1, 0);
            var high = current.Subnet(current.Length + 1, 1);
            var inLow = low.Contains(hole);
            into.Add(inLow ? high : low);
            current = inLow ? low : high;
        }
    }

    private static bool AreSiblings(IpPrefix a, IpPrefix b) =>
        a.IsIPv6 == b.IsIPv6 && a.Length == b.Length && a.Length > 0 && new IpPrefix(a.First, a.Length - 1).Contains(b);
}
