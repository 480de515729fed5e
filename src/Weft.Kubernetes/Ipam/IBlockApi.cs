using Weft.Model.Ipam;
using Weft.Primitives;

namespace Weft.Kubernetes.Ipam;

/// <summary>
/// Port to the IPBlock objects. Every write holds for the version that was seen and for no other, so that a write which is late changes nothing.
/// Reads are of what the API server holds now, not of what a watch told last.
/// </summary>
public interface IBlockApi
{
    /// <summary>Null when there is none.</summary>
    /// <exception cref="BlockApiException">The API does not answer, or refuses.</exception>
    Task<AddressBlock?> ReadAsync(string name, CancellationToken cancel);

    /// <summary>Claims a prefix for a node. Null when another node has it.</summary>
    /// <exception cref="BlockApiException">The API does not answer, or refuses; the block may or may not have been made.</exception>
    Task<AddressBlock?> ClaimAsync(IpPrefix cidr, string pool, string node, CancellationToken cancel);

    /// <summary>Replaces the loans. Null when the block has changed since, or is gone.</summary>
    /// <exception cref="BlockApiException">The API does not answer, or refuses; the loans may or may not have been replaced.</exception>
    Task<AddressBlock?> SetLoansAsync(AddressBlock seen, EquatableArray<AddressLoan> loans, CancellationToken cancel);

    /// <summary>Gives a block up. False when it has changed since; true when it is gone, whoever did it.</summary>
    /// <exception cref="BlockApiException">The API does not answer, or refuses; the block may or may not be gone.</exception>
    Task<bool> DeleteAsync(AddressBlock seen, CancellationToken cancel);
}

/// <summary>The API server did not do what was asked of it, or did not say.</summary>
public sealed class BlockApiException(string message, Exception? inner = null) : Exception(message, inner);
