using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Policy;

namespace Weft.Compile.Policy;

/// <summary>Port numbers of one protocol, inclusive.</summary>
internal readonly record struct PortRange(Protocol Protocol, int First, int Last)
{
    public NftValue Value => First == Last ? NftValue.Of(First) : new NftRange(First, Last);
}

internal static class PortRanges
{
    /// <summary>The numeric ports of a rule as disjoint ranges in order; named ports are left to <see cref="NamedPorts"/>.</summary>
    public static List<PortRange> Numeric(IEnumerable<PolicyPort> ports)
    {
        var sorted = ports
            .Where(p => p.Name is null)
            .Select(p => p.Port is { } port ? new PortRange(p.Protocol, port, p.EndPort ?? port) : new PortRange(p.Protocol, 0, 65535))
            .OrderBy(p => p.Protocol).ThenBy(p => p.First).ThenBy(p => p.Last);
        var result = new List<PortRange>();
        foreach (var range in sorted)
        {
            if (result.Count > 0 && result[^1] is var last && last.Protocol == range.Protocol && range.First <= last.Last + 1)
                result[^1] = last with { Last = Math.Max(last.Last, range.Last) };
            else
                result.Add(range);
        }
        return result;
    }
}
