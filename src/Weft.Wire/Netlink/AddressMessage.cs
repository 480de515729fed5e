using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Weft.Wire.Netlink;

/// <summary>RTM_NEWADDR and relatives: struct ifaddrmsg and IFA_* (include/uapi/linux/if_addr.h).</summary>
/// <param name="Address">The address of the interface itself (IFA_LOCAL, or IFA_ADDRESS where the link is not point to point).</param>
/// <param name="Flags">IFA_F_*, see the constants.</param>
/// <param name="Scope">RT_SCOPE_*: 0 universe, 253 link, 254 host.</param>
/// <param name="Protocol">IFA_PROTO (Linux 5.18): who added the address; 0 when it was not said, or by an older kernel.</param>
public sealed record AddressMessage(int Link, IPAddress Address, byte PrefixLength, uint Flags = 0, byte Scope = 0, byte Protocol = 0)
{
    public const uint FlagNoDad = 0x02;
    public const uint FlagTentative = 0x40;
    public const uint FlagPermanent = 0x80;
    public const uint FlagNoPrefixRoute = 0x200;
    public const int HeaderLength = 8;

    private const ushort AttributeAddress = 1;
    private const ushort Local = 2;
    private const ushort AttributeFlags = 8;
    private const ushort AttributeProtocol = 11;

    /// <summary>Header of a dump request; a link filters when the socket checks strictly (NETLINK_GET_STRICT_CHK).</summary>
    public static void WriteDump(ref NetlinkWriter writer, byte family, int link) => WriteHeader(ref writer, family, 0, 0, 0, link);

    public void Write(ref NetlinkWriter writer)
    {
        var family = Address.AddressFamily == AddressFamily.InterNetworkV6 ? NetlinkFamily.IPv6 : NetlinkFamily.IPv4;
        // The header has room for the low eight flags only; IFA_FLAGS carries all of them.
        WriteHeader(ref writer, family, PrefixLength, (byte)Flags, Scope, Link);
        writer.AddAddress(Local, Address);
        writer.AddAddress(AttributeAddress, Address);
        if (Flags > byte.MaxValue)
            writer.AddUInt32(AttributeFlags, Flags);
        if (Protocol != 0)
            writer.AddByte(AttributeProtocol, Protocol);
    }

    /// <exception cref="NetlinkFormatException">The payload is no address message.</exception>
    public static AddressMessage Parse(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderLength)
            throw new NetlinkFormatException($"ifaddrmsg of {payload.Length} bytes, at least {HeaderLength} expected");
        uint flags = payload[2];
        byte protocol = 0;
        IPAddress? local = null, address = null;
        var attributes = new AttributeReader(payload[HeaderLength..]);
        while (attributes.Read())
        {
            switch (attributes.Type)
            {
                case Local:
                    local = attributes.Address();
                    break;
                case AttributeAddress:
                    address = attributes.Address();
                    break;
                case AttributeFlags:
                    flags = attributes.UInt32();
                    break;
                case AttributeProtocol:
                    protocol = attributes.Byte();
                    break;
            }
        }
        return new AddressMessage(
            MemoryMarshal.Read<int>(payload[4..]),
            local ?? address ?? throw new NetlinkFormatException("ifaddrmsg without IFA_LOCAL and IFA_ADDRESS"),
            payload[1], flags, payload[3], protocol);
    }

    private static void WriteHeader(ref NetlinkWriter writer, byte family, byte length, byte flags, byte scope, int link)
    {
        var header = writer.Reserve(HeaderLength);
        header[0] = family;
        header[1] = length;
        header[2] = flags;
        header[3] = scope;
        MemoryMarshal.Write(header[4..], link);
    }
}
