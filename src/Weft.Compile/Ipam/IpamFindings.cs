using System.Net;
using Weft.Model.Tables;
using Weft.Primitives;

namespace Weft.Compile.Ipam;

/// <summary>
/// What is wrong with the addresses of a cluster, judged by what all its agents say: what each finds on its own, and what shows only when they are
/// laid side by side. A pure function of the agents' tables.
/// </summary>
public static class IpamFindings
{
    /// <param name="nodes">Each node's table of addresses (ADDRESS, STATE, HOLDER, SINCE, PROOF, FINDING).</param>
    /// <param name="blocks">BLOCK, POOL, NODE, NODE EXISTS, LOANS.</param>
    /// <param name="interfaces">Each node's interfaces that no record holds (INTERFACE, FINDING).</param>
    /// <returns>NODE, ADDRESS (an interface, or a block, where it is one that is wrong), FINDING, ADVICE.</returns>
    public static ShowTable Of(
        IReadOnlyList<(string Node, ShowTable Addresses)> nodes, ShowTable blocks, IReadOnlyList<(string Node, ShowTable Interfaces)> interfaces)
    {
        var rows = new List<EquatableArray<string>>();
        void Add(string node, string address, string finding, string advice) => rows.Add([node, address, finding, advice]);
        var held = new Dictionary<string, List<(string Node, string State, string Holder)>>(StringComparer.Ordinal);
        foreach (var (node, table) in nodes)
        {
            foreach (var row in table.Rows)
            {
                var (address, state, holder, proof, finding) = (row[0], row[1], row[2], row[4], row[5]);
                if (state is "held" or "lent" or "borrowed")
                {
                    if (!held.TryGetValue(address, out var holders))
                        held[address] = holders = [];
                    holders.Add((node, state, holder));
                }
                if (finding.Length > 0 && state != "resting")
                    Add(node, address, $"{holder}: {finding}", proof == "leaked" ? $"weft ipam release {address}" : $"weft ipam why {address}");
            }
        }
        foreach (var (address, holders) in held.OrderBy(h => IpPrefix.Host(IPAddress.Parse(h.Key))))
        {
            // A loan is on record with both, and in use with one.
            var users = holders.Where(h => h.State != "lent").ToList();
            var lender = holders.FirstOrDefault(h => h.State == "lent");
            if (users.Count > 1)
                Add(string.Join(", ", users.Select(u => u.Node)), address, $"held on {users.Count} nodes: {string.Join(", ", users.Select(u => u.Holder))}", "Recreate all but one of these pods.");
            foreach (var user in users.Where(u => lender != default && lender.Holder != $"node {u.Node}"))
                Add(user.Node, address, $"{user.Holder} has it, and node {lender.Node} has lent it to {lender.Holder}", $"Recreate {user.Holder}.");
        }
        Loans(nodes, blocks, held, Add);
        foreach (var (node, table) in interfaces)
            foreach (var row in table.Rows)
                Add(node, row[0], row[1], $"The agent deletes it with its next change to the kernel; what stays goes with: ip link delete {row[0]}");
        return new ShowTable("findings", ["NODE", "ADDRESS", "FINDING", "ADVICE"], rows.ToEquatableArray());
    }

    private static void Loans(
        IReadOnlyList<(string Node, ShowTable Addresses)> nodes, ShowTable blocks, Dictionary<string, List<(string Node, string State, string Holder)>> held,
        Action<string, string, string, string> add)
    {
        var asked = nodes.Select(n => n.Node).ToHashSet(StringComparer.Ordinal);
        foreach (var row in blocks.Rows)
        {
            var (block, node, exists, loans) = (row[0], row[2], row[3], row[4]);
            if (exists == "no")
                add(node, block, "the block's node does not exist; agents collect it after five minutes once nothing of it is lent", "kubectl get nodes, kubectl get ipblocks");
            foreach (var loan in loans.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('=', 2)))
            {
                if (loan is not [var borrower, var address] || !IPAddress.TryParse(address, out _))
                    continue;
                var holders = held.GetValueOrDefault(address) ?? [];
                if (asked.Contains(node) && !holders.Any(h => h.Node == node && h.State == "lent"))
                    add(node, address, $"the block says that it is lent to node {borrower}, and its owner has no record of that", $"weft ipam why {address}");
                var resting = nodes.Where(n => n.Node == borrower).SelectMany(n => n.Addresses.Rows).Any(r => r[0] == address && r[1] == "resting");
                if (asked.Contains(borrower) && !resting && !holders.Any(h => h.Node == borrower && h.State != "lent"))
                    add(borrower, address, $"borrowed of node {node}, and nothing on node {borrower} uses it", "It is returned within seconds while the borrower's agent runs.");
            }
        }
    }
}
