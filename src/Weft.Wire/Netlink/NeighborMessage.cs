using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Weft.Wire.Netlink;

/// <summary>
/// RTM_NEWNEIGH and relatives: struct ndmsg and NDA_* (include/uapi/linux/neighbour.h). Family AF_BRIDGE is a forwarding entry, where
/// <paramref name="Destination"/> is the outer address of a VXLAN device.
/// </summary>
/// <param name="State">NUD_*, see the constants.</param>
/// <param name="Flags">NTF_*, see the constants.</param>
public sealed record NeighborMessage(byte Family, int Link, IPAddress? Destination, ulong? Mac, ushort State, byte Flags = 0)
{
    public const ushort StateNoArp = 0x40;
    public const ushort StatePermanent = 0x80;

    /// <summary>The entry is the device's own, not its bridge's.</summary>
    public const byte FlagSelf = 0x02;
    public const int HeaderLength = 12;

    private const ushort AttributeDestination = 1;
    private const ushort LinkLayerAddress = 2;
    private const ushort InterfaceIndex = 8;

    /// <summary>Header of a dump request for a family; of one link unless that is 0.</summary>
    public static void WriteDump(ref NetlinkWriter writer, byte family, int link)
    {
        var header = writer.Reserve(HeaderLength);
        header[0] = family;
        // Forwarding entries are filtered by the header's index (rtnl_fdb_dump), neighbors by the attribute (neigh_dump_info).
        if (family == NetlinkFamily.Bridge)
            MemoryMarshal.Write(header[4..], link);
        else if (link != 0)
            writer.AddInt32(InterfaceIndex, link);
    }

    public void Write(ref NetlinkWriter writer)
    {
        var header = writer.Reserve(HeaderLength);
        header[0] = Family;
        MemoryMarshal.Write(header[4..], Link);
        MemoryMarshal.Write(header[8..], State);
        header[10] = Flags;
        if (Destination is not null)
            writer.AddAddress(AttributeDestination, Destination);
        if (Mac is { } mac)
            writer.AddMac(LinkLayerAddress, mac);
    }

    public static byte FamilyOf(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? NetlinkFamily.IPv6 : NetlinkFamily.IPv4;

    /// <exception cref="NetlinkFormatException">The payload is no neighbor message.</exception>
    public static NeighborMessage Parse(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderLength)
            throw new NetlinkFormatException($"ndmsg of {payload.Length} bytes, at least {HeaderLength} expected");
        var neighbor = new NeighborMessage(
            payload[0], MemoryMarshal.Read<int>(payload[4..]), null, null, MemoryMarshal.Read<ushort>(payload[8..]), payload[10]);
        var attributes = new AttributeReader(payload[HeaderLength..]);
        while (attributes.Read())
        {
            neighbor = attributes.Type switch
            {
                AttributeDestination => neighbor with { Destination = attributes.Address() },
                LinkLayerAddress => neighbor with { Mac = attributes.Mac() },
                _ => neighbor,
            };
        }
        return neighbor;
    }
}
