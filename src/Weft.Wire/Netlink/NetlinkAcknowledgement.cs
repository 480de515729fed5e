using System.Runtime.InteropServices;

namespace Weft.Wire.Netlink;

/// <summary>
/// An answer to a request: struct nlmsgerr of NLMSG_ERROR, or the end of a dump (NLMSG_DONE), with the kernel's words when it had any
/// (NETLINK_EXT_ACK, Documentation/userspace-api/netlink/intro.rst).
/// </summary>
/// <param name="Error">Positive error number, 0 for success.</param>
/// <param name="Message">NLMSGERR_ATTR_MSG.</param>
/// <param name="Offset">NLMSGERR_ATTR_OFFS: where in the request the attribute lies that was refused.</param>
/// <param name="MissingAttribute">NLMSGERR_ATTR_MISS_TYPE: the type of an attribute that the request lacks.</param>
public readonly record struct NetlinkAcknowledgement(int Error, string? Message = null, uint? Offset = null, uint? MissingAttribute = null)
{
    private const ushort AttributeMessage = 1;
    private const ushort AttributeOffset = 2;
    private const ushort AttributeMissingType = 5;

    /// <summary>What the kernel said beyond the number, as one text; null when it said nothing.</summary>
    public string? Detail => (Message, MissingAttribute) switch
    {
        (null, null) => null,
        ({ } message, null) => message,
        (null, { } type) => $"attribute {type} is missing",
        ({ } message, { } type) => $"{message} (attribute {type} is missing)",
    };

    /// <summary>Reads the payload of a message of type <see cref="ControlType.Error"/> or <see cref="ControlType.Done"/>.</summary>
    /// <exception cref="NetlinkFormatException">The bytes are no such message.</exception>
    public static NetlinkAcknowledgement Parse(ushort type, NetlinkFlags flags, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 4)
        {
            // Dumps of old families end with a NLMSG_DONE that has no status.
            return type == ControlType.Done && payload.IsEmpty
                ? default
                : throw new NetlinkFormatException($"acknowledgement of {payload.Length} bytes, at least 4 expected");
        }
        var error = MemoryMarshal.Read<int>(payload);
        if (error is > 0 or int.MinValue)
            throw new NetlinkFormatException($"acknowledgement with status {error}, 0 or a negative error number expected");
        if (!flags.HasFlag(NetlinkFlags.AckAttributes))
            return new NetlinkAcknowledgement(-error);
        return ReadAttributes(-error, payload[AttributesAt(type, flags, payload)..]);
    }

    /// <summary>The attributes follow the request's header, or the whole request where the kernel has not capped it.</summary>
    private static int AttributesAt(ushort type, NetlinkFlags flags, ReadOnlySpan<byte> payload)
    {
        if (type == ControlType.Done)
            return 4;
        const int cappedLength = 4 + NetlinkWriter.HeaderLength;
        if (payload.Length < cappedLength)
            throw new NetlinkFormatException($"nlmsgerr of {payload.Length} bytes, at least {cappedLength} expected");
        if (flags.HasFlag(NetlinkFlags.Capped))
            return cappedLength;
        var request = MemoryMarshal.Read<uint>(payload[4..]);
        if (request < NetlinkWriter.HeaderLength || request > (uint)(payload.Length - 4))
            throw new NetlinkFormatException($"nlmsgerr quotes a request of {request} bytes in {payload.Length}");
        return Math.Min(4 + NetlinkWriter.Align((int)request), payload.Length);
    }

    private static NetlinkAcknowledgement ReadAttributes(int error, ReadOnlySpan<byte> bytes)
    {
        var result = new NetlinkAcknowledgement(error);
        var attributes = new AttributeReader(bytes);
        while (attributes.Read())
        {
            result = attributes.Type switch
            {
                AttributeMessage => result with { Message = attributes.Text() },
                AttributeOffset => result with { Offset = attributes.UInt32() },
                AttributeMissingType => result with { MissingAttribute = attributes.UInt32() },
                _ => result,
            };
        }
        return result;
    }
}
