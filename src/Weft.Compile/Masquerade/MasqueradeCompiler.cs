using Weft.Compile.Ipam;
using Weft.Compile.Policy;
using Weft.Compile.Routing;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Compile.Masquerade;

/// <summary>Source translation: whatever must come back through this node leaves with one of its addresses.</summary>
internal static class MasqueradeCompiler
{
    public static NftParts Compile(NodeConfig config, NodePlan plan, PoolPlan pools, LocalPods pods)
    {
        var parts = new NftParts();
        var self = plan.Find(config.NodeName);
        var marked = new NftMarkMatch(WeftNames.MasqueradeMark, WeftNames.MasqueradeMark);
        foreach (var family in Family.Both)
        {
            if (!config.ClusterCidrs.Any(c => c.IsIPv6 == family.IPv6))
                continue;
            LocalPod(family, self, pods, marked, parts);
        }
        parts.NatPostrouting.Add(NftParts.Rule("Services: the reply must come back through this node", marked, new NftMasquerade()));
        foreach (var family in Family.Both)
        {
            if (config.ClusterCidrs.Any(c => c.IsIPv6 == family.IPv6))
                Leaving(config, family, plan, pools, parts);
        }
        return parts;
    }

    /// <summary>
    /// Towards a pod of this node. Its link has no address, so masquerading would take the first of any device: name the node's own.
    /// </summary>
    private static void LocalPod(Family family, PlannedNode? self, LocalPods pods, NftMarkMatch marked, NftParts parts)
    {
        var set = $"pods-self-{family.Digit}";
        parts.Sets.Add(new NftSet(set, [family.AddressType, family.AddressType], default, Interval: false,
            pods.SelfElements(family.IPv6).ToEquatableArray()));
        if (self?.Underlay(family.IPv6) is not { } nodeAddress)
            return;
        // nft cannot compare source with destination: a set of equal pairs says the same.
        parts.NatPostrouting.Add(NftParts.Rule("a pod that reached itself through a Service",
            new NftLookup([family.Source, family.Destination], set), new NftSnat(nodeAddress)));
        foreach (var cidr in self.OwnPods(family.IPv6))
        {
            parts.NatPostrouting.Add(NftParts.Rule("Services: the reply must come back through this node",
                marked, new NftMatch(family.Destination, NftValue.Of(cidr)), new NftSnat(nodeAddress)));
        }
    }

    private static void Leaving(NodeConfig config, Family family, NodePlan plan, PoolPlan pools, NftParts parts)
    {
        var inside = config.ClusterCidrs.Where(c => c.IsIPv6 == family.IPv6).ToList();
        // An address that only this node can be answered at must not enter the tunnel: the reply would take the underlay and pass the
        // connection tracking that knows the translation by.
        NftExpression[] tunnel =
        [
            new NftMatch(NftField.OutputInterface, new NftText(WeftNames.VxlanLink)),
            .. inside.Select(c => new NftMatch(family.Source, NftValue.Of(c), Not: true)),
            new NftMasquerade(),
        ];
        parts.NatPostrouting.Add(NftParts.Rule("into the tunnel with the node's address there", tunnel));
        var nodes = $"nodes-{family.Digit}";
        parts.Sets.Add(new NftSet(nodes, [family.AddressType], default, Interval: false,
            plan.Nodes.SelectMany(n => n.Node.Addresses).Where(a => Family.IsIPv6(a) == family.IPv6).Distinct()
                .OrderBy(IpPrefix.ToBits).Select(a => new NftElement([NftValue.Of(a)])).ToEquatableArray()));
        // Pods of a pool without natOutgoing leave with their own address: whoever routes beyond the nodes knows the way back.
        var bare = pools.Pools.Where(p => !p.NatOutgoing && p.Cidr!.Value.IsIPv6 == family.IPv6).Select(p => p.Cidr!.Value).ToList();
        foreach (var cidr in bare.Count == 0 ? inside : PrefixSet.Subtract(inside, bare))
        {
            NftExpression[] leaving =
            [
                new NftMatch(family.Source, NftValue.Of(cidr)),
                .. inside.Select(c => new NftMatch(family.Destination, NftValue.Of(c), Not: true)),
                new NftLookup([family.Destination], nodes, Not: true),
                new NftMasquerade(),
            ];
            parts.NatPostrouting.Add(NftParts.Rule("leaves the cluster", leaving));
        }
    }
}
