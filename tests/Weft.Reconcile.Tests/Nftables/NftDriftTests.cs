using Weft.Kernel.Nftables;
using Weft.Model.Nft;
using Weft.Reconcile.Nftables;

namespace Weft.Reconcile.Tests.Nftables;

public sealed class NftDriftTests
{
    [Fact]
    public void Whole_table_gone_is_one_row() =>
        Assert.Equal([new("weft", "table", "weft", "", NftDifference.Missing, "")], new NftablesReconciler(new FakeNftables()).Drift(SampleTable.Create()).Rows);

    [Fact]
    public void Table_that_cannot_be_listed_is_an_error()
    {
        var report = new NftablesReconciler(new FakeNftables { FailCall = 1 }).Drift(SampleTable.Create());

        Assert.Equal("nftables: made to fail", report.Error);
    }

    [Fact]
    public void Each_kind_of_change_is_found_in_the_fake() => FindsEachChange(new FakeNftables());

    [SkippableFact]
    public void Each_kind_of_change_is_found_in_the_kernel()
    {
        using var space = PrivateNamespace.CreateOrSkip();
        using var nftables = new LibNftables(space.Path);
        FindsEachChange(nftables);
    }

    [SkippableFact]
    public void Deleted_rule_is_found_in_the_kernel_by_its_cause()
    {
        using var space = PrivateNamespace.CreateOrSkip();
        using var nftables = new LibNftables(space.Path);
        var reconciler = new NftablesReconciler(nftables);
        Assert.Null(reconciler.Reconcile(SampleTable.Create()).Error);
        var handle = NftTestHandles.Of(nftables, "weft", "filter-forward", "NetworkPolicy default/allow-frontend ingress[0]");
        Assert.Null(nftables.Apply($"delete rule inet weft filter-forward handle {handle}\n").Error);

        var row = Assert.Single(reconciler.Drift(SampleTable.Create()).Rows);

        Assert.Equal(("rule", "filter-forward", NftDifference.Missing), (row.Kind, row.Container, row.Difference));
        Assert.StartsWith("NetworkPolicy default/allow-frontend ingress[0] #", row.Item, StringComparison.Ordinal);
    }

    private static void FindsEachChange(INftables nftables)
    {
        var reconciler = new NftablesReconciler(nftables);
        Assert.Null(reconciler.Reconcile(SampleTable.Create()).Error);
        Assert.Empty(reconciler.Drift(SampleTable.Create()).Rows);
        Assert.Null(nftables.Apply(
            """
            add element inet weft blocks4 {
              100.64.0.0/10
            }
            delete element inet weft peers {
              0.0.0.0/0 . udp . 53
            }
            delete element inet weft services4 {
              10.96.0.3 . udp . 53
            }
            add element inet weft services4 {
              10.96.0.3 . udp . 53 : accept
            }
            flush chain inet weft nat-postrouting
            add chain inet weft intruder
            add rule inet weft policy-blocks th dport 22 accept comment "let me in"
            flush chain inet weft mark-prerouting

            """).Error);

        var rows = reconciler.Drift(SampleTable.Create()).Rows;

        Assert.Equal(
            [
                "element blocks4 100.64.0.0/10 Extra",
                "element peers 0.0.0.0/0 . udp . 53 Missing",
                "element services4 10.96.0.3 . udp . 53 Changed desired drop, found accept",
                "chain intruder Extra",
                "rule mark-prerouting mark Missing meta mark set meta mark | 0x00004000",
                "rule mark-prerouting mark Missing meta mark set meta mark & 0xffff3fff | 0x00004000",
                "rule mark-prerouting mark Missing meta mark set 0x00004000",
                "rule nat-postrouting masquerade Missing meta mark & 0x00004000 == 0x00004000 fib daddr type != local meta mark set meta mark & 0xffffbfff masquerade fully-random",
                "rule nat-postrouting hairpin Missing ip saddr 10.244.1.2 snat ip to 172.30.0.11 fully-random",
                "rule nat-postrouting hairpin Missing ip6 saddr fd00:244::2 snat ip6 to fd00:30::11 fully-random",
                "rule policy-blocks let me in Extra",
            ],
            rows.Select(row => string.Join(' ', new[] { row.Kind, row.Container, row.Item.Split(" #")[0], row.Difference.ToString(), row.Detail }.Where(word => word.Length > 0))));
    }
}
