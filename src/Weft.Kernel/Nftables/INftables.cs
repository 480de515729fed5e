namespace Weft.Kernel.Nftables;

/// <summary>
/// The nftables of one network namespace, family inet. No call throws for what the kernel or libnftables says: the outcome carries it, because a
/// failure of one room is a status and never an exception in another.
/// </summary>
public interface INftables
{
    /// <summary>Runs nft(8) commands as one transaction: all of them take effect, or none does.</summary>
    NftOutcome Apply(string transaction);

    /// <summary>Reads the table <c>inet NAME</c> back in libnftables-json(5) form.</summary>
    NftListing ListTable(string name);
}

/// <summary>What came of a transaction; <paramref name="Error"/> is null when it was committed, else names the offending line.</summary>
public sealed record NftOutcome(string? Error)
{
    public static NftOutcome Committed { get; } = new((string?)null);

    public bool Ok => Error is null;
}

/// <summary>A table as read back. Without an error, <paramref name="Json"/> is null when there is no such table.</summary>
/// <param name="Json">libnftables-json(5) in UTF-8.</param>
/// <param name="Error">Why the table could not be read.</param>
public sealed record NftListing(byte[]? Json, string? Error = null)
{
    public static NftListing Absent { get; } = new(null, null);
}
