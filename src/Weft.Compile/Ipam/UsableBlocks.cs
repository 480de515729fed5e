using Weft.Compile.Routing;
using Weft.Model;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Ipam;

/// <summary>The blocks of a node that every node routes to it: what it may give addresses of.</summary>
public static class UsableBlocks
{
    public static IReadOnlyList<IpPrefix> Of(NodeConfig config, ClusterSnapshot snapshot, string node) =>
        snapshot.Blocks.IsEmpty ? [] : NodePlan.Of(EffectiveConfig.Of(config, snapshot), snapshot).Find(node)?.Blocks ?? [];
}
