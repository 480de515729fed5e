using Weft.Kernel.Nftables;
using Weft.Model.Nft;
using Weft.Reconcile.Nftables;

namespace Weft.Reconcile.Tests.Nftables;

/// <summary>The renderer's text and the reconciler against the kernel's nftables, in a namespace of the test's own.</summary>
public sealed class NftKernelTests
{
    [SkippableFact]
    public void Kernel_takes_every_expression_and_gives_back_what_was_desired()
    {
        using var space = PrivateNamespace.CreateOrSkip();
        using var nftables = new LibNftables(space.Path);
        var reconciler = new NftablesReconciler(nftables);

        var result = reconciler.Reconcile(SampleTable.Create());

        Assert.Null(result.Error);
        Assert.Equal((NftPass.Replaced, null), (result.Pass, result.Warning));
        var drift = reconciler.Drift(SampleTable.Create());
        Assert.Null(drift.Error);
        Assert.Empty(drift.Rows);
    }

    [SkippableFact]
    public void Restarted_agent_takes_the_table_over_without_writing()
    {
        using var space = PrivateNamespace.CreateOrSkip();
        using var nftables = new LibNftables(space.Path);
        Assert.Null(new NftablesReconciler(nftables).Reconcile(SampleTable.Create()).Error);

        var result = new NftablesReconciler(nftables).Reconcile(SampleTable.Create());

        Assert.Equal((NftPass.Unchanged, "", null), (result.Pass, result.Transaction, result.Warning));
    }

    [SkippableFact]
    public void Restarted_agent_sends_only_the_difference()
    {
        using var space = PrivateNamespace.CreateOrSkip();
        using var nftables = new LibNftables(space.Path);
        var table = SampleTable.Create();
        Assert.Null(new NftablesReconciler(nftables).Reconcile(table).Error);
        var desired = table with
        {
            Sets = [.. table.Sets.Select(set => set.Name == "services4" ? set with { Elements = [SampleTable.Service("10.96.0.1", 443, NftVerdict.Accept)] } : set)],
        };

        var result = new NftablesReconciler(nftables).Reconcile(desired);

        Assert.Equal(NftPass.Delta, result.Pass);
        Assert.DoesNotContain("chain", result.Transaction, StringComparison.Ordinal);
        Assert.Empty(new NftablesReconciler(nftables).Drift(desired).Rows);
    }
}
