using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Weft.Model.Routing;

namespace Weft.Compile.Routing;

/// <summary>
/// The hardware address of a node's VXLAN device, computed from the node's name so that every node knows it without being told.
/// </summary>
public static class VtepMac
{
    public static MacAddress Of(string nodeName)
    {
        Span<byte> digest = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes("weft-vtep/" + nodeName), digest);
        var value = BinaryPrimitives.ReadUInt64BigEndian(digest) >> 16;
        // Locally administered (bit 1 of the first octet) and unicast (bit 0 clear): IEEE 802 section 8.2.
        const ulong FirstOctet = 0xff_0000000000;
        var first = (value & FirstOctet) >> 40 & 0xfc | 0x02;
        return new MacAddress(value & ~FirstOctet | first << 40);
    }
}
