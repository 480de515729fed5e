using Weft.Wire.Cni;

namespace Weft.Agent.Ipam;

/// <summary>Port from the CNI commands to whoever gives addresses: the node's own store, with blocks and loans around it in an agent.</summary>
public interface IAddressSource
{
    /// <summary>Gives a container its addresses, or the ones that it has already. They are on record at once, and on the disk after a sync of the store.</summary>
    /// <exception cref="CniException">
    /// Code 7: what was asked for cannot be given. Code 11: no address is free, or none of those asked for. Code 5: the journal cannot be written.
    /// </exception>
    Task<AttachmentRecord> AllocateAsync(AttachmentRequest request, CancellationToken cancel);

    /// <summary>Whether a request of no special wishes could be served now (STATUS).</summary>
    /// <param name="pool">The one IPPool that the configuration names, or null.</param>
    /// <exception cref="CniException">Code 11: there is no range, or none has an address left. Code 7: the pool cannot be used.</exception>
    void RequireRoom(string? pool);
}
