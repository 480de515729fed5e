using System.Diagnostics.CodeAnalysis;

namespace Weft.Wire.Netlink;

/// <summary>Message types below NLMSG_MIN_TYPE (include/uapi/linux/netlink.h).</summary>
public static class ControlType
{
    public const ushort Noop = 1;
    public const ushort Error = 2;
    public const ushort Done = 3;
    public const ushort Overrun = 4;
}

/// <summary>Message flags, NLM_F_* (include/uapi/linux/netlink.h). Values above 0xff depend on the kind of request.</summary>
[Flags]
[SuppressMessage("Design", "CA1069", Justification = "The protocol gives one bit three meanings.")]
public enum NetlinkFlags : ushort
{
    None = 0,
    Request = 0x1,
    Multi = 0x2,
    Ack = 0x4,
    DumpInterrupted = 0x10,

    // Reads.
    Root = 0x100,
    Match = 0x200,
    Dump = Root | Match,

    // Writes.
    Replace = 0x100,
    Exclusive = 0x200,
    Create = 0x400,
    Append = 0x800,

    // Acknowledgements.
    Capped = 0x100,
    AckAttributes = 0x200,
}

/// <summary>Message types of rtnetlink, RTM_* (include/uapi/linux/rtnetlink.h).</summary>
public static class RouteMessageType
{
    public const ushort NewLink = 16;
    public const ushort DeleteLink = 17;
    public const ushort GetLink = 18;
    public const ushort SetLink = 19;
    public const ushort NewAddress = 20;
    public const ushort DeleteAddress = 21;
    public const ushort GetAddress = 22;
    public const ushort NewRoute = 24;
    public const ushort DeleteRoute = 25;
    public const ushort GetRoute = 26;
    public const ushort NewNeighbor = 28;
    public const ushort DeleteNeighbor = 29;
    public const ushort GetNeighbor = 30;
    public const ushort NewQdisc = 36;
    public const ushort DeleteQdisc = 37;
    public const ushort GetQdisc = 38;
    public const ushort NewFilter = 44;
    public const ushort DeleteFilter = 45;
    public const ushort GetFilter = 46;
    public const ushort NewNamespaceId = 88;
    public const ushort DeleteNamespaceId = 89;
    public const ushort GetNamespaceId = 90;
}

/// <summary>Address families, AF_* (include/linux/socket.h).</summary>
public static class NetlinkFamily
{
    public const byte Unspecified = 0;
    public const byte IPv4 = 2;
    public const byte Bridge = 7;
    public const byte IPv6 = 10;

    /// <summary>Bytes of an address; null for a family without IP addresses.</summary>
    public static int? AddressLength(byte family) => family switch { IPv4 => 4, IPv6 => 16, _ => null };
}

/// <summary>Bits of nla_type beside the type itself (include/uapi/linux/netlink.h).</summary>
internal static class AttributeBits
{
    internal const ushort Nested = 0x8000;
    internal const ushort NetworkByteOrder = 0x4000;
    internal const ushort TypeMask = 0x3fff;
}
