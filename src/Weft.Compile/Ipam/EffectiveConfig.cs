using Weft.Model;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Ipam;

/// <summary>The one place where the pod prefixes of the command line are joined with those of pools.</summary>
public static class EffectiveConfig
{
    /// <summary>The configuration with every prefix that pods may have addresses of. Blocks count without their pool: it may have been deleted before them.</summary>
    public static NodeConfig Of(NodeConfig config, ClusterSnapshot snapshot) =>
        snapshot.Pools.IsEmpty && snapshot.Blocks.IsEmpty ? config : Of(config, snapshot, PoolPlan.Of(config, snapshot));

    internal static NodeConfig Of(NodeConfig config, ClusterSnapshot snapshot, PoolPlan pools)
    {
        var more = PrefixSet.Union(pools.Pools.Select(p => p.Cidr!.Value).Concat(snapshot.Blocks.Values.Select(b => b.Cidr).OfType<IpPrefix>()))
            .Where(cidr => !config.ClusterCidrs.Any(c => c.Contains(cidr))).ToList();
        // A pool around a prefix of the command line takes its place: a set of prefixes that overlap would say the same twice.
        return more.Count == 0
            ? config
            : config with { ClusterCidrs = config.ClusterCidrs.Where(c => !more.Any(m => m.Contains(c))).Concat(more).ToEquatableArray() };
    }
}
