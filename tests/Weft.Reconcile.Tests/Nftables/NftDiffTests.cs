using CsCheck;
using Weft.Kernel.Nftables;
using Weft.Model.Nft;
using Weft.Reconcile.Nftables;

namespace Weft.Reconcile.Tests.Nftables;

public sealed class NftDiffTests
{
    [Fact]
    public void Difference_leads_from_any_table_to_any_other() =>
        Gen.Select(RandomTables.Table, RandomTables.Table).Sample(
            (a, b) =>
            {
                var stepwise = new FakeNftables();
                Assert.Null(stepwise.Apply(NftRenderer.Render(a)).Error);
                Assert.Null(stepwise.Apply(NftDiff.Between(a, b)).Error);
                var direct = new FakeNftables();
                Assert.Null(direct.Apply(NftRenderer.Render(b)).Error);
                Assert.Equal(direct.Dump(), stepwise.Dump());
            },
            iter: 300);

    [SkippableFact]
    public void Difference_leads_from_any_table_to_any_other_in_the_kernel()
    {
        using var space = PrivateNamespace.CreateOrSkip();
        using var nftables = new LibNftables(space.Path);
        var applied = new NftTable("weft", [], []);
        Assert.Null(nftables.Apply(NftRenderer.RenderReplacement(applied)).Error);
        // One after another, so that each table grows out of all before it, as in an agent's life.
        RandomTables.Table.Sample(
            table =>
            {
                var transaction = NftDiff.Between(applied, table);
                var outcome = nftables.Apply(transaction);
                Assert.True(outcome.Ok, $"{outcome.Error}\n{transaction}");
                applied = table;
                var drift = new NftablesReconciler(nftables).Drift(table);
                Assert.Null(drift.Error);
                Assert.Empty(drift.Rows);
            },
            iter: 60,
            threads: 1);
    }

    [Fact]
    public void Nothing_to_do_is_no_transaction() =>
        RandomTables.Table.Sample(table => Assert.Equal("", NftDiff.Between(table, Reversed(table))), iter: 50);

    [Fact]
    public void Text_does_not_depend_on_the_order_of_sets_elements_and_chains() =>
        RandomTables.Table.Sample(table => Assert.Equal(NftRenderer.Render(table), NftRenderer.Render(Reversed(table))), iter: 50);

    [Fact]
    public void One_policy_more_touches_only_what_it_concerns()
    {
        var before = new NftTable(
            "weft",
            [new("pods", [NftType.Ipv4Address], [NftType.Verdict], false, [Pod("10.244.0.2", "p-a")])],
            [
                new("forward", new NftHook(NftChainType.Filter, NftHookPoint.Forward, 0), [new([new NftVerdictMap([NftField.Ipv4Destination], "pods")], "pods")]),
                new("p-a", null, [new([new NftVerdictStatement(NftVerdict.Drop)], "NetworkPolicy default/a")]),
            ]);
        var after = before with
        {
            Sets =
            [
                new("pods", [NftType.Ipv4Address], [NftType.Verdict], false, [Pod("10.244.0.2", "p-b"), Pod("10.244.0.3", "p-a")]),
                new("peers-b", [NftType.Ipv4Address], default, true, [new([NftValue.Of(SampleTable.Ip("10.244.0.9"))])]),
            ],
            Chains =
            [
                .. before.Chains,
                new("p-b", null, [new([new NftLookup([NftField.Ipv4Source], "peers-b"), new NftVerdictStatement(NftVerdict.Return)], "NetworkPolicy default/b ingress[0]")]),
            ],
        };

        // The map's element is deleted and added again inside one transaction, after the chain that it will lead to exists.
        Assert.Equal(
            """
            add set inet weft peers-b { type ipv4_addr; flags interval; comment "#263d0849"; }
            add chain inet weft p-b
            add element inet weft peers-b {
              10.244.0.9
            }
            delete element inet weft pods {
              10.244.0.2
            }
            add element inet weft pods {
              10.244.0.2 : goto p-b,
              10.244.0.3 : goto p-a
            }
            add rule inet weft p-b ip saddr @peers-b return comment "NetworkPolicy default/b ingress[0] #8e7c877c"

            """,
            NftDiff.Between(before, after));
        Assert.EndsWith("delete set inet weft peers-b\ndelete chain inet weft p-b\n", NftDiff.Between(after, before), StringComparison.Ordinal);

        static NftElement Pod(string address, string chain) => new([NftValue.Of(SampleTable.Ip(address))], Verdict: NftVerdict.Goto(chain));
    }

    [Fact]
    public void Changed_definition_replaces_the_table_in_one_transaction()
    {
        var before = new NftTable("weft", [new("s", [NftType.Ipv4Address], default, false, [])], []);
        var after = before with { Sets = [before.Sets[0] with { Interval = true }] };

        Assert.StartsWith("add table inet weft\ndelete table inet weft\ntable inet weft {\n", NftDiff.Between(before, after), StringComparison.Ordinal);
    }

    private static NftTable Reversed(NftTable table) => table with
    {
        Sets = [.. table.Sets.Reverse().Select(set => set with { Elements = [.. set.Elements.Reverse()] })],
        Chains = [.. table.Chains.Reverse()],
    };
}
