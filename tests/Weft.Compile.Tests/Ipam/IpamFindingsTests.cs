using Weft.Compile.Ipam;
using Weft.Model.Tables;
using Weft.Primitives;

namespace Weft.Compile.Tests.Ipam;

/// <summary>What <c>weft ipam check</c> says of a cluster.</summary>
public sealed class IpamFindingsTests
{
    private static ShowTable Addresses(params string[] rows) => new("addresses", ["ADDRESS", "STATE", "HOLDER", "SINCE", "PROOF", "FINDING"], Rows(rows, 6));

    private static ShowTable Blocks(params string[] rows) => new("blocks", ["BLOCK", "POOL", "NODE", "NODE EXISTS", "LOANS"], Rows(rows, 5));

    private static EquatableArray<EquatableArray<string>> Rows(string[] rows, int columns) =>
        rows.Select(r => r.Split('|').Concat(Enumerable.Repeat("", columns)).Take(columns).ToEquatableArray()).ToEquatableArray();

    private static string[] Check(ShowTable blocks, params ShowTable[] nodes) =>
        [.. IpamFindings.Of([.. nodes.Select((t, i) => ($"n{i + 1}", t))], blocks, []).Rows.Select(r => $"{r[0]} {r[1]} {r[2]}")];

    [Fact]
    public void A_cluster_in_order_has_none_and_a_loan_is_no_address_held_twice() => Assert.Empty(Check(
        Blocks("10.50.0.0/26|p|n1|yes|n2=10.50.0.1, n2=asked"),
        Addresses("10.244.1.1|held|pod a/a", "10.50.0.1|lent|node n2", "10.244.1.2|resting||||free in 3 s"),
        Addresses("10.50.0.1|borrowed|pod a/b")));

    [Fact]
    public void What_an_agent_finds_on_its_own_is_passed_on_with_what_to_do()
    {
        var findings = IpamFindings.Of(
            [("n1", Addresses("10.244.1.1|held|pod a/a|t|leaked|held, but its interface x does not exist", "10.244.1.2|held|pod a/b|t||held, but the API has no pod a/b"))], Blocks(), []);
        Assert.Equal(
            [
                "n1|10.244.1.1|pod a/a: held, but its interface x does not exist|weft ipam release 10.244.1.1",
                "n1|10.244.1.2|pod a/b: held, but the API has no pod a/b|weft ipam why 10.244.1.2",
            ],
            findings.Rows.Select(r => string.Join('|', r)));
        Assert.StartsWith("NODE  ADDRESS     FINDING", findings.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Interfaces_of_nobody_are_passed_on_with_what_to_do()
    {
        var interfaces = new ShowTable("interfaces", ["INTERFACE", "FINDING"], Rows(["weft00000000001|no record holds it"], 2));
        Assert.Equal(
            "n2|weft00000000001|no record holds it|The agent deletes it with its next change to the kernel; what stays goes with: ip link delete weft00000000001",
            string.Join('|', Assert.Single(IpamFindings.Of([("n1", Addresses()), ("n2", Addresses())], Blocks(), [("n2", interfaces)]).Rows)));
    }

    [Fact]
    public void What_shows_only_side_by_side_is_found()
    {
        Assert.Equal(
            ["n1, n2 10.50.0.1 held on 2 nodes: pod a/a, pod a/b"],
            Check(Blocks(), Addresses("10.50.0.1|held|pod a/a"), Addresses("10.50.0.1|held|pod a/b")));
        Assert.Equal(
            ["n2 10.50.0.1 pod a/b has it, and node n1 has lent it to node n3"],
            Check(Blocks(), Addresses("10.50.0.1|lent|node n3"), Addresses("10.50.0.1|borrowed|pod a/b")));
        Assert.Equal(
            [
                "n1 10.50.0.1 the block says that it is lent to node n2, and its owner has no record of that",
                "n2 10.50.0.1 borrowed of node n1, and nothing on node n2 uses it",
                "gone 10.50.0.64/26 the block's node does not exist; agents collect it after five minutes once nothing of it is lent",
            ],
            Check(Blocks("10.50.0.0/26|p|n1|yes|n2=10.50.0.1", "10.50.0.64/26|p|gone|no|"), Addresses(), Addresses()));
    }
}
