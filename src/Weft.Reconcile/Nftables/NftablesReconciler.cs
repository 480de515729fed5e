using Weft.Kernel.Nftables;
using Weft.Model;
using Weft.Model.Nft;

namespace Weft.Reconcile.Nftables;

/// <summary>How a pass reached the desired state.</summary>
public enum NftPass
{
    /// <summary>Nothing was written.</summary>
    Unchanged,

    /// <summary>One transaction with only the difference.</summary>
    Delta,

    /// <summary>One transaction that put the whole table in place of what was there.</summary>
    Replaced,

    /// <summary>The kernel does not hold the desired state; the next pass reads it back and tries again.</summary>
    Failed,
}

/// <summary>The status of a pass.</summary>
/// <param name="Pass">How the pass ended.</param>
/// <param name="Transaction">The nft commands committed last; empty when nothing was written.</param>
/// <param name="Error">Why the state is not in force; null unless the pass failed.</param>
/// <param name="Warning">What went wrong on the way although the state is in force.</param>
public sealed record NftReconciled(NftPass Pass, string Transaction, string? Error = null, string? Warning = null)
{
    public bool Ok => Error is null;
}

/// <summary>What drift was found, or why it could not be told.</summary>
public sealed record NftDriftReport(IReadOnlyList<NftDriftRow> Rows, string? Error = null);

/// <summary>
/// Brings one nftables table to its desired state. The first pass takes over what the kernel holds and sends the difference from that, so a
/// restarted agent writes nothing when nothing changed; later passes send the difference from what was applied last. Each pass is one
/// transaction, and connection tracking is never touched, so established connections go on. Not thread-safe, but for <see cref="Drift"/>.
/// </summary>
public sealed class NftablesReconciler(INftables nftables) : IReconciler
{
    private NftImage? _applied;

    /// <summary>Makes the next pass read the kernel back, as the first one does.</summary>
    public void Forget() => _applied = null;

    /// <summary>The last pass, for the agent's status; null before the first.</summary>
    public NftReconciled? Last { get; private set; }

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step != ApplyStep.Nftables)
            return;
        var result = Reconcile(desired.Nft);
        if (result.Error is not null)
            report.Fail(new ReconcileFailure($"nftables table inet {desired.Nft.Name}", "apply", result.Error));
        else if (result.Pass != NftPass.Unchanged)
            report.CountWrites();
    }

    public NftReconciled Reconcile(NftTable desired) => Last = Pass(desired);

    private NftReconciled Pass(NftTable desired)
    {
        NftImage image;
        try
        {
            image = NftImage.Of(desired, _applied);
        }
        catch (ArgumentException e)
        {
            return new NftReconciled(NftPass.Failed, "", $"not sayable in nft: {e.Message}");
        }
        var (known, warning) = _applied?.Name == image.Name ? (_applied, null) : ReadBack(image.Name);
        var transaction = known is null ? new NftTransaction(NftRenderer.Replacement(image), Replaces: true) : NftDiff.Between(known, image);
        return Commit(image, transaction, warning);
    }

    /// <summary>Removes the table with all that it holds.</summary>
    public NftReconciled Remove(string table)
    {
        _applied = null;
        var text = $"add table inet {table}\ndelete table inet {table}\n";
        var outcome = nftables.Apply(text);
        return outcome.Ok ? new NftReconciled(NftPass.Replaced, text) : new NftReconciled(NftPass.Failed, "", $"nftables: removing table inet {table}: {outcome.Error}");
    }

    /// <summary>What the kernel holds now against what is desired. Writes nothing.</summary>
    public NftDriftReport Drift(NftTable desired)
    {
        try
        {
            var image = NftImage.Of(desired);
            var listing = nftables.ListTable(image.Name);
            return listing.Error is not null
                ? new NftDriftReport([], $"nftables: {listing.Error}")
                : new NftDriftReport(NftDrift.Between(image, listing.Json is null ? null : NftReadBack.Read(listing.Json, image.Name)));
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            return new NftDriftReport([], $"nftables: {e.Message}");
        }
    }

    private (NftImage? Known, string? Warning) ReadBack(string table)
    {
        var listing = nftables.ListTable(table);
        if (listing.Error is not null)
            return (null, $"nftables: {listing.Error}; the table was replaced");
        if (listing.Json is null)
            return (null, null);
        try
        {
            return (NftReadBack.Read(listing.Json, table), null);
        }
        catch (FormatException e)
        {
            return (null, $"nftables: {e.Message}; it was replaced");
        }
    }

    private NftReconciled Commit(NftImage image, NftTransaction transaction, string? warning)
    {
        if (transaction.Text.Length == 0)
        {
            _applied = image;
            return new NftReconciled(NftPass.Unchanged, "", Warning: warning);
        }
        var outcome = nftables.Apply(transaction.Text);
        if (!outcome.Ok && !transaction.Replaces)
        {
            // Somebody else changed the table, or the kernel would not have the difference: start from nothing, still in one transaction.
            warning = $"nftables: the difference was refused: {outcome.Error}; the table was replaced";
            transaction = new NftTransaction(NftRenderer.Replacement(image), Replaces: true);
            outcome = nftables.Apply(transaction.Text);
        }
        if (!outcome.Ok)
        {
            _applied = null;
            return new NftReconciled(NftPass.Failed, "", $"not applied: {outcome.Error}", warning);
        }
        _applied = image;
        return new NftReconciled(transaction.Replaces ? NftPass.Replaced : NftPass.Delta, transaction.Text, Warning: warning);
    }
}
