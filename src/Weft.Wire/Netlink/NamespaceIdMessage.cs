namespace Weft.Wire.Netlink;

/// <summary>
/// RTM_NEWNSID and RTM_GETNSID: the number by which one network namespace refers to another (include/uapi/linux/net_namespace.h).
/// </summary>
public static class NamespaceIdMessage
{
    /// <summary>NETNSA_NSID_NOT_ASSIGNED.</summary>
    public const int NotAssigned = -1;

    // struct rtgenmsg, one byte, padded.
    private const int HeaderLength = 4;
    private const ushort Id = 1;
    private const ushort Fd = 3;

    /// <summary>Asks for the id of the namespace behind a descriptor.</summary>
    public static void WriteGet(ref NetlinkWriter writer, int namespaceFd)
    {
        writer.Reserve(HeaderLength);
        writer.AddInt32(Fd, namespaceFd);
    }

    /// <summary>Gives the namespace behind a descriptor an id; -1 lets the kernel choose.</summary>
    public static void WriteNew(ref NetlinkWriter writer, int namespaceFd, int id = NotAssigned)
    {
        writer.Reserve(HeaderLength);
        writer.AddInt32(Fd, namespaceFd);
        writer.AddInt32(Id, id);
    }

    /// <returns>The id, or <see cref="NotAssigned"/>.</returns>
    /// <exception cref="NetlinkFormatException">The payload is no namespace id message.</exception>
    public static int Parse(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderLength)
            throw new NetlinkFormatException($"rtgenmsg of {payload.Length} bytes, at least {HeaderLength} expected");
        var attributes = new AttributeReader(payload[HeaderLength..]);
        while (attributes.Read())
        {
            if (attributes.Type == Id)
                return attributes.Int32();
        }
        throw new NetlinkFormatException("namespace id message without NETNSA_NSID");
    }
}
