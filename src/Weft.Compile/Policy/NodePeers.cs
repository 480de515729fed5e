using System.Net;
using Weft.Compile.Routing;
using Weft.Compile.Tables;
using Weft.Model.Policy;
using Weft.Primitives;

namespace Weft.Compile.Policy;

/// <summary>
/// Resolves ipBlock peers. A node that sends through the tunnel appears with its tunnel address, which no policy author knows: that
/// address is judged as the node's own address is.
/// </summary>
internal sealed class NodePeers
{
    private readonly List<(IpPrefix Tunnel, IPAddress Node)> _tunnels = [];

    public NodePeers(NodePlan plan)
    {
        foreach (var node in plan.Nodes)
        {
            foreach (var family in Family.Both)
            {
                if (node.Anchor(family.IPv6) is { } anchor && node.Underlay(family.IPv6) is { } address)
                    _tunnels.Add((IpPrefix.Host(anchor.First), address));
            }
        }
    }

    public List<IpPrefix> Resolve(IpBlock block)
    {
        var prefixes = PrefixSet.Subtract([block.Cidr], block.Except);
        List<IpPrefix>? add = null;
        List<IpPrefix>? remove = null;
        foreach (var (tunnel, node) in _tunnels)
        {
            if (tunnel.IsIPv6 != block.Cidr.IsIPv6)
                continue;
            var covered = block.Cidr.Contains(tunnel) && PrefixSet.Covers(prefixes, tunnel);
            var meant = block.Cidr.Contains(node) && !block.Except.Any(e => e.Contains(node));
            if (meant && !covered)
                (add ??= []).Add(tunnel);
            else if (covered && !meant)
                (remove ??= []).Add(tunnel);
        }
        if (remove is not null)
            prefixes = PrefixSet.Subtract(prefixes, remove);
        return add is null ? prefixes : PrefixSet.Union(prefixes.Concat(add));
    }
}
