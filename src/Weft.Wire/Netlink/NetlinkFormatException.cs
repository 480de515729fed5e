namespace Weft.Wire.Netlink;

/// <summary>Bytes that are no well-formed netlink message, or a message that does not fit its buffer. Readers throw nothing else.</summary>
public sealed class NetlinkFormatException(string message) : Exception(message);
