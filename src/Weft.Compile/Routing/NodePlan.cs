using System.Net;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Primitives;

namespace Weft.Compile.Routing;

/// <summary>A node's usable part: at most one pod prefix a family, checked against every other node's.</summary>
internal sealed record PlannedNode(Node Node, IReadOnlyList<IpPrefix> PodCidrs)
{
    public IpPrefix? Cidr(bool ipv6)
    {
        foreach (var cidr in PodCidrs)
        {
            if (cidr.IsIPv6 == ipv6)
                return cidr;
        }
        return null;
    }

    /// <summary>The first underlay address of a family.</summary>
    public IPAddress? Underlay(bool ipv6) => Node.Addresses.FirstOrDefault(a => Family.IsIPv6(a) == ipv6);
}

/// <summary>
/// Which pod prefixes of which nodes can be routed. Every node computes the same answer from the same Node objects: of two nodes whose
/// prefixes overlap the one whose name sorts first keeps its own, and the other is left out until its prefix changes.
/// </summary>
internal sealed class NodePlan
{
    private readonly SortedDictionary<string, PlannedNode> _nodes = new(StringComparer.Ordinal);

    public IEnumerable<PlannedNode> Nodes => _nodes.Values;

    public List<Diagnostic> Diagnostics { get; } = [];

    public PlannedNode? Find(string name) => _nodes.GetValueOrDefault(name);

    public static NodePlan Of(NodeConfig config, IEnumerable<Node> nodes)
    {
        var plan = new NodePlan();
        var taken = new List<(IpPrefix Cidr, string Node)>();
        foreach (var node in nodes.OrderBy(n => n.Name, StringComparer.Ordinal))
        {
            var usable = new List<IpPrefix>(2);
            foreach (var cidr in node.PodCidrs)
            {
                if (Fault(config, taken, cidr, usable) is { } advice)
                    plan.Diagnostics.Add(new Diagnostic($"Node {node.Name}", "spec.podCIDRs", cidr.ToString(), advice));
                else
                    usable.Add(cidr);
            }
            foreach (var cidr in usable)
                taken.Add((cidr, node.Name));
            if (node.PodCidrs.IsEmpty)
            {
                plan.Diagnostics.Add(new Diagnostic($"Node {node.Name}", "spec.podCIDRs", "",
                    "the node has no pod prefix, so its pods cannot be reached; let the controller manager allocate one"));
            }
            plan._nodes[node.Name] = new PlannedNode(node, usable);
        }
        return plan;
    }

    private static string? Fault(NodeConfig config, List<(IpPrefix Cidr, string Node)> taken, IpPrefix cidr, List<IpPrefix> own)
    {
        if (own.Any(c => c.IsIPv6 == cidr.IsIPv6))
            return "only the first prefix of a family is used; remove this one";
        if (!config.ClusterCidrs.Any(c => c.Contains(cidr)))
            return $"it lies outside the cluster's pod prefixes {string.Join(", ", config.ClusterCidrs)} and is not routed; give the node a prefix inside them";
        // Quadratic only in the nodes of one cluster, and only a comparison of integers.
        foreach (var (other, node) in taken)
        {
            if (other.Overlaps(cidr))
                return $"it overlaps {other} of node {node}, which keeps it; give this node another prefix";
        }
        return null;
    }
}
