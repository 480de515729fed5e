using System.Net;
using System.Runtime.InteropServices;

namespace Weft.Wire.Netlink;

/// <summary>RTM_NEWLINK and relatives: struct ifinfomsg and IFLA_* (include/uapi/linux/if_link.h, rtnetlink.h).</summary>
/// <param name="Flags">IFF_*, see the constants.</param>
/// <param name="Mac">Low 48 bits; null without an Ethernet address.</param>
/// <param name="Master">Interface index of the bridge it is a port of; 0 for none.</param>
/// <param name="Lower">IFLA_LINK: the other end of a veth pair, or the device below; 0 for none.</param>
/// <param name="LowerNamespaceId">IFLA_LINK_NETNSID: <paramref name="Lower"/> is an index in that namespace.</param>
public sealed record LinkMessage(
    int Index, uint Flags, string Name, string? Kind, int Mtu, ulong? Mac, int Master, int Lower, int? LowerNamespaceId, VxlanAttributes? Vxlan)
{
    public const uint FlagUp = 0x1;
    public const uint FlagLowerUp = 0x10000;
    public const int HeaderLength = 16;

    /// <summary>Longest interface name in bytes, without the terminating zero (IFNAMSIZ - 1).</summary>
    public const int MaxNameLength = 15;

    internal const ushort Address = 1;
    internal const ushort IfName = 3;
    internal const ushort AttributeMtu = 4;
    internal const ushort AttributeLink = 5;
    internal const ushort AttributeMaster = 10;
    internal const ushort LinkInfo = 18;
    internal const ushort AfSpec = 26;
    internal const ushort NetNsFd = 28;
    internal const ushort ExtMask = 29;
    internal const ushort LinkNetNsId = 37;
    internal const ushort InfoKind = 1;
    internal const ushort InfoData = 2;
    private const ushort VethInfoPeer = 1;
    private const ushort Inet6AddressGenerationMode = 8;

    public bool Up => (Flags & FlagUp) != 0;

    public bool LowerUp => (Flags & FlagLowerUp) != 0;

    /// <summary>struct ifinfomsg.</summary>
    /// <param name="up">Null leaves IFF_UP as it is.</param>
    public static void WriteHeader(ref NetlinkWriter writer, int index = 0, bool? up = null)
    {
        var header = writer.Reserve(HeaderLength);
        MemoryMarshal.Write(header[4..], index);
        if (up is not { } value)
            return;
        MemoryMarshal.Write(header[8..], value ? FlagUp : 0);
        MemoryMarshal.Write(header[12..], FlagUp);
    }

    /// <summary>Attributes that any link has; those that are null are left out.</summary>
    /// <param name="master">0 leaves the bridge.</param>
    /// <param name="namespaceFd">Moves the link into the namespace behind a descriptor.</param>
    public static void WriteCommon(
        ref NetlinkWriter writer, string? name = null, int? mtu = null, ulong? mac = null, int? master = null, int? namespaceFd = null)
    {
        if (name is not null)
            writer.AddString(IfName, name);
        if (mtu is { } bytes)
            writer.AddInt32(AttributeMtu, bytes);
        if (mac is { } address)
            writer.AddMac(Address, address);
        if (master is { } index)
            writer.AddInt32(AttributeMaster, index);
        if (namespaceFd is { } fd)
            writer.AddInt32(NetNsFd, fd);
    }

    /// <summary>IFLA_LINKINFO of a veth pair. The other end is born in its namespace under its final name.</summary>
    public static void WriteVeth(ref NetlinkWriter writer, string peerName, int peerMtu, ulong? peerMac, int? peerNamespaceFd)
    {
        var info = writer.BeginNested(LinkInfo);
        writer.AddString(InfoKind, "veth");
        var data = writer.BeginNested(InfoData);
        var peer = writer.BeginNested(VethInfoPeer);
        WriteHeader(ref writer);
        WriteCommon(ref writer, peerName, peerMtu, peerMac, namespaceFd: peerNamespaceFd);
        writer.EndNested(peer);
        writer.EndNested(data);
        writer.EndNested(info);
    }

    /// <summary>IFLA_LINKINFO of a kind that needs nothing but its name, such as bridge or ifb.</summary>
    public static void WriteKind(ref NetlinkWriter writer, string kind)
    {
        var info = writer.BeginNested(LinkInfo);
        writer.AddString(InfoKind, kind);
        writer.EndNested(info);
    }

    /// <summary>IFLA_LINKINFO of a VXLAN device.</summary>
    public static void WriteVxlan(ref NetlinkWriter writer, VxlanAttributes vxlan)
    {
        var info = writer.BeginNested(LinkInfo);
        writer.AddString(InfoKind, "vxlan");
        var data = writer.BeginNested(InfoData);
        vxlan.Write(ref writer);
        writer.EndNested(data);
        writer.EndNested(info);
    }

    /// <summary>IFLA_AF_SPEC: how IPv6 link-local addresses come about (IN6_ADDR_GEN_MODE_EUI64 is 0, _NONE is 1).</summary>
    public static void WriteAddressGeneration(ref NetlinkWriter writer, byte mode)
    {
        var spec = writer.BeginNested(AfSpec);
        var inet6 = writer.BeginNested(NetlinkFamily.IPv6);
        writer.AddByte(Inet6AddressGenerationMode, mode);
        writer.EndNested(inet6);
        writer.EndNested(spec);
    }

    /// <summary>Leaves statistics out of answers (RTEXT_FILTER_SKIP_STATS).</summary>
    public static void WriteSkipStatistics(ref NetlinkWriter writer) => writer.AddUInt32(ExtMask, 1 << 3);

    /// <exception cref="NetlinkFormatException">The payload is no link message.</exception>
    public static LinkMessage Parse(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderLength)
            throw new NetlinkFormatException($"ifinfomsg of {payload.Length} bytes, at least {HeaderLength} expected");
        var (name, kind, mtu, master, lower) = ("", (string?)null, 0, 0, 0);
        ulong? mac = null;
        int? namespaceId = null;
        VxlanAttributes? vxlan = null;
        // Dumps of a thousand links come through here on every pass, so the record is made once, at the end.
        var attributes = new AttributeReader(payload[HeaderLength..]);
        while (attributes.Read())
        {
            switch (attributes.Type)
            {
                case Address:
                    mac = attributes.Mac();
                    break;
                case IfName:
                    name = attributes.Text();
                    break;
                case AttributeMtu:
                    mtu = attributes.Int32();
                    break;
                case AttributeLink:
                    lower = attributes.Int32();
                    break;
                case AttributeMaster:
                    master = attributes.Int32();
                    break;
                case LinkNetNsId:
                    namespaceId = attributes.Int32();
                    break;
                case LinkInfo:
                    (kind, vxlan) = ParseInfo(attributes.Nested());
                    break;
            }
        }
        return new LinkMessage(
            MemoryMarshal.Read<int>(payload[4..]), MemoryMarshal.Read<uint>(payload[8..]), name, kind, mtu, mac, master, lower, namespaceId, vxlan);
    }

    private static (string? Kind, VxlanAttributes? Vxlan) ParseInfo(AttributeReader info)
    {
        string? kind = null;
        ReadOnlySpan<byte> data = default;
        while (info.Read())
        {
            if (info.Type == InfoKind)
                kind = KnownKind(info.Value) ?? info.Text();
            else if (info.Type == InfoData)
                data = info.Value;
        }
        return (kind, kind == "vxlan" ? VxlanAttributes.Parse(data) : null);
    }

    private static string? KnownKind(ReadOnlySpan<byte> value) =>
        value.SequenceEqual("veth\0"u8) ? "veth" : value.SequenceEqual("vxlan\0"u8) ? "vxlan" : null;
}
