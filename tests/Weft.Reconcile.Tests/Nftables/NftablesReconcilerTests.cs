using CsCheck;
using Weft.Kernel.Nftables;
using Weft.Model.Nft;
using Weft.Reconcile.Nftables;

namespace Weft.Reconcile.Tests.Nftables;

public sealed class NftablesReconcilerTests
{
    [Fact]
    public void Whichever_call_fails_the_second_pass_converges_and_the_third_writes_nothing() =>
        Gen.Select(RandomTables.Table, RandomTables.Table, Gen.Int[1, 4]).Sample(
            (held, desired, failing) =>
            {
                var fake = new FakeNftables();
                Assert.Null(fake.Apply(NftRenderer.Render(held)).Error);
                fake.FailCall = fake.Calls + failing;
                var reconciler = new NftablesReconciler(fake);

                reconciler.Reconcile(desired);
                var second = reconciler.Reconcile(desired);
                Assert.Null(second.Error);
                fake.FailCall = 0;
                var direct = new FakeNftables();
                Assert.Null(direct.Apply(NftRenderer.Render(desired)).Error);
                Assert.Equal(direct.Dump(), fake.Dump());

                var writes = fake.Committed.Count;
                Assert.Equal(NftPass.Unchanged, reconciler.Reconcile(desired).Pass);
                Assert.Equal(writes, fake.Committed.Count);
            },
            iter: 200);

    [Fact]
    public void Refused_difference_falls_back_to_replacement_and_says_so()
    {
        var table = SampleTable.Create();
        var fake = new FakeNftables();
        var reconciler = new NftablesReconciler(fake);
        Assert.Equal(NftPass.Replaced, reconciler.Reconcile(table).Pass);
        // Behind the agent's back.
        Assert.Null(fake.Apply("delete element inet weft services4 {\n 10.96.0.1 . tcp . 443\n}\n").Error);
        var without = table with { Sets = [.. table.Sets.Select(set => set.Name == "services4" ? set with { Elements = [] } : set)] };

        var result = reconciler.Reconcile(without);

        Assert.Equal((NftPass.Replaced, null), (result.Pass, result.Error));
        Assert.Contains("the difference was refused: line ", result.Warning, StringComparison.Ordinal);
        Assert.Contains("No such file or directory: element 10.96.0.1 . tcp . 443 of services4", result.Warning, StringComparison.Ordinal);
        Assert.Empty(reconciler.Drift(without).Rows);
    }

    [Fact]
    public void Failure_is_a_status_with_the_cause_and_leaves_the_table_as_it_was()
    {
        var table = SampleTable.Create();
        var fake = new FakeNftables();
        var reconciler = new NftablesReconciler(fake);
        reconciler.Reconcile(table);
        var held = fake.Dump();
        // A reject in a nat chain: well said, but no kernel takes it.
        var wrong = table with { Chains = [.. table.Chains, new("nat-out", new NftHook(NftChainType.Nat, NftHookPoint.Output, -100), [new([new NftVerdictStatement(NftVerdict.Reject)], "wrong")])] };

        var result = reconciler.Reconcile(wrong);

        Assert.Equal(NftPass.Failed, result.Pass);
        Assert.Contains("not applied: Operation not supported: reject reached from the nat output hook", result.Error, StringComparison.Ordinal);
        Assert.Equal(held, fake.Dump());
        Assert.Equal(NftPass.Unchanged, reconciler.Reconcile(table).Pass);
    }

    [Fact]
    public void Table_that_cannot_be_said_is_a_status_and_nothing_is_called()
    {
        var fake = new FakeNftables();

        var result = new NftablesReconciler(fake).Reconcile(new NftTable("weft", [], [new("drop", null, [])]));

        Assert.Equal(NftPass.Failed, result.Pass);
        Assert.Contains("chain name 'drop'", result.Error, StringComparison.Ordinal);
        Assert.Equal(0, fake.Calls);
    }

    [Fact]
    public void Unreadable_table_is_replaced()
    {
        var fake = new FakeNftables();
        Assert.Null(fake.Apply("add table inet weft\nadd chain inet weft old\n").Error);
        fake.FailCall = fake.Calls + 1;
        var reconciler = new NftablesReconciler(fake);

        var result = reconciler.Reconcile(SampleTable.Create());

        Assert.Equal(NftPass.Replaced, result.Pass);
        Assert.Contains("made to fail; the table was replaced", result.Warning, StringComparison.Ordinal);
        Assert.DoesNotContain("chain old", fake.Dump(), StringComparison.Ordinal);
    }

    [Fact]
    public void Table_of_another_make_is_taken_over_and_brought_in_line()
    {
        var fake = new FakeNftables();
        Assert.Null(fake.Apply(
            """
            table inet weft {
              set old {
                type ipv4_addr
              }
              chain old {
                ip saddr @old drop
              }
              chain filter-forward {
                type filter hook forward priority 0; policy accept;
                counter comment "mine"
              }
            }

            """).Error);

        var result = new NftablesReconciler(fake).Reconcile(SampleTable.Create());

        Assert.Equal((NftPass.Delta, null), (result.Pass, result.Error));
        var direct = new FakeNftables();
        Assert.Null(direct.Apply(NftRenderer.Render(SampleTable.Create())).Error);
        Assert.Equal(direct.Dump(), fake.Dump());
    }

    [Fact]
    public void Forgetting_makes_the_next_pass_repair_what_others_changed()
    {
        var fake = new FakeNftables();
        var reconciler = new NftablesReconciler(fake);
        reconciler.Reconcile(SampleTable.Create());
        Assert.Null(fake.Apply("flush chain inet weft filter-forward\n").Error);
        Assert.Equal(NftPass.Unchanged, reconciler.Reconcile(SampleTable.Create()).Pass);

        reconciler.Forget();

        Assert.Equal(NftPass.Delta, reconciler.Reconcile(SampleTable.Create()).Pass);
        Assert.Empty(reconciler.Drift(SampleTable.Create()).Rows);
    }

    [Fact]
    public void Removal_leaves_no_table_and_may_be_repeated()
    {
        var fake = new FakeNftables();
        var reconciler = new NftablesReconciler(fake);
        reconciler.Reconcile(SampleTable.Create());

        Assert.True(reconciler.Remove("weft").Ok);
        Assert.True(reconciler.Remove("weft").Ok);
        Assert.Equal("", fake.Dump());
    }
}
