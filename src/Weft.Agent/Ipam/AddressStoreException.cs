namespace Weft.Agent.Ipam;

/// <summary>The address store cannot be used as it is configured or found; the message names the file or prefix and what to do.</summary>
public sealed class AddressStoreException(string message, Exception? inner = null) : Exception(message, inner);
