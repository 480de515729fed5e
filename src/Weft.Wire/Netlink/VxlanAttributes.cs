using System.Net;
using System.Net.Sockets;

namespace Weft.Wire.Netlink;

/// <summary>IFLA_VXLAN_* (include/uapi/linux/if_link.h).</summary>
/// <param name="Vni">24 bits (RFC 7348 section 5).</param>
/// <param name="Underlay">Interface index of the device below; 0 for none.</param>
public sealed record VxlanAttributes(int Vni, ushort Port, IPAddress? Local, int Underlay, bool Learning)
{
    private const ushort Id = 1;
    private const ushort Link = 3;
    private const ushort Local4 = 4;
    private const ushort AttributeLearning = 7;
    private const ushort AttributePort = 15;
    private const ushort Local6 = 17;

    internal void Write(ref NetlinkWriter writer)
    {
        writer.AddInt32(Id, Vni);
        if (Underlay != 0)
            writer.AddInt32(Link, Underlay);
        if (Local is not null)
            writer.AddAddress(Local.AddressFamily == AddressFamily.InterNetworkV6 ? Local6 : Local4, Local);
        writer.AddByte(AttributeLearning, Learning ? (byte)1 : (byte)0);
        writer.AddUInt16BigEndian(AttributePort, Port);
    }

    internal static VxlanAttributes Parse(ReadOnlySpan<byte> data)
    {
        var vxlan = new VxlanAttributes(0, 0, null, 0, false);
        var attributes = new AttributeReader(data);
        while (attributes.Read())
        {
            vxlan = attributes.Type switch
            {
                Id => vxlan with { Vni = attributes.Int32() },
                Link => vxlan with { Underlay = attributes.Int32() },
                Local4 or Local6 => vxlan with { Local = attributes.Address() },
                AttributeLearning => vxlan with { Learning = attributes.Byte() != 0 },
                AttributePort => vxlan with { Port = attributes.UInt16BigEndian() },
                _ => vxlan,
            };
        }
        return vxlan;
    }
}
