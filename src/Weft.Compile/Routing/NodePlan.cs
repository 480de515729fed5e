using System.Net;
using Weft.Compile.Ipam;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Routing;

/// <summary>
/// Which pod prefixes, blocks and loans of which nodes can be routed. Every node computes the same answer from the same objects: of two nodes whose
/// prefixes overlap the one whose name sorts first keeps its own, and the other is left out until its prefix changes. A block yields to every
/// pod prefix and to older blocks. Whether a block's pool still exists or is disabled does not matter: its pods are there.
/// </summary>
internal sealed class NodePlan
{
    private readonly SortedDictionary<string, PlannedNode> _nodes = new(StringComparer.Ordinal);

    public IEnumerable<PlannedNode> Nodes => _nodes.Values;

    public List<Diagnostic> Diagnostics { get; } = [];

    public PlannedNode? Find(string name) => _nodes.GetValueOrDefault(name);

    /// <param name="config">With the prefixes of pools.</param>
    public static NodePlan Of(NodeConfig config, ClusterSnapshot snapshot)
    {
        var plan = new NodePlan();
        var taken = new List<(IpPrefix Cidr, string Owner)>();
        var blocks = snapshot.Blocks.Values.OrderBy(b => b.Created).ThenBy(b => b.Cidr ?? default).ThenBy(b => b.Name, StringComparer.Ordinal).ToList();
        foreach (var node in snapshot.Nodes.Values.OrderBy(n => n.Name, StringComparer.Ordinal))
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
                taken.Add((cidr, $"node {node.Name}"));
            if (node.PodCidrs.IsEmpty && !blocks.Exists(b => b.Node == node.Name))
            {
                plan.Diagnostics.Add(new Diagnostic($"Node {node.Name}", "spec.podCIDRs", "",
                    "the node has no pod prefix, so its pods cannot be reached; let the controller manager allocate one"));
            }
            plan._nodes[node.Name] = new PlannedNode(node, usable, [], [], []);
        }
        foreach (var block in blocks)
            plan.Add(block, taken);
        return plan;
    }

    private void Add(AddressBlock block, List<(IpPrefix Cidr, string Owner)> taken)
    {
        var name = $"IPBlock {block.Name}";
        if (block.Cidr is not { } cidr || AddressRange.Problem(cidr) is not null)
        {
            Diagnostics.Add(new Diagnostic(name, "spec.cidr", block.Cidr?.ToString() ?? "", "it is no prefix that a node can give addresses of; delete the block"));
            return;
        }
        foreach (var (other, owner) in taken)
        {
            if (!other.Overlaps(cidr))
                continue;
            Diagnostics.Add(new Diagnostic(name, "spec.cidr", cidr.ToString(), $"it overlaps {other} of {owner}, which keeps it; pods in this block must be recreated"));
            return;
        }
        taken.Add((cidr, name));
        // A block of a node that is gone leads nowhere, and is collected by the agents.
        if (!_nodes.TryGetValue(block.Node, out var node))
            return;
        node.Blocks.Add(cidr);
        foreach (var loan in block.Loans)
        {
            if (loan.Address is not { } address || loan.Node == block.Node || !cidr.Contains(address) || !_nodes.TryGetValue(loan.Node, out var borrower))
                continue;
            if (node.Lent.Contains(address))
            {
                Diagnostics.Add(new Diagnostic(name, "spec.loans", $"{address}", $"it is lent twice; node {loan.Node}, which comes later in the list, is not served"));
                continue;
            }
            node.Lent.Add(address);
            borrower.Borrowed.Add(address);
        }
    }

    private static string? Fault(NodeConfig config, List<(IpPrefix Cidr, string Owner)> taken, IpPrefix cidr, List<IpPrefix> own)
    {
        if (own.Any(c => c.IsIPv6 == cidr.IsIPv6))
            return "only the first prefix of a family is used; remove this one";
        if (!config.ClusterCidrs.Any(c => c.Contains(cidr)))
            return $"it lies outside the cluster's pod prefixes {string.Join(", ", config.ClusterCidrs)} and is not routed; give the node a prefix inside them";
        // Quadratic only in the nodes of one cluster, and only a comparison of integers.
        foreach (var (other, owner) in taken)
        {
            if (other.Overlaps(cidr))
                return $"it overlaps {other} of {owner}, which keeps it; give this node another prefix";
        }
        return null;
    }
}
