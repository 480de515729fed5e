using System.Net;
using System.Net.Sockets;

namespace Weft.Wire.Netlink;

/// <summary>One direction of a connection. For ICMP the ports are the identifier and type and code are kept in <paramref name="Icmp"/>.</summary>
public readonly record struct ConntrackTuple(
    IPAddress Source, IPAddress Destination, byte Protocol, ushort SourcePort, ushort DestinationPort, (byte Type, byte Code)? Icmp = null);

/// <summary>
/// IPCTNL_MSG_CT_*: struct nfgenmsg and CTA_* (include/uapi/linux/netfilter/nfnetlink_conntrack.h).
/// </summary>
public sealed record ConntrackMessage(ConntrackTuple Original, ConntrackTuple Reply, uint Id, ushort Zone)
{
    /// <summary>NFNL_SUBSYS_CTNETLINK in the high byte.</summary>
    public const ushort TypeNew = 0x100;
    public const ushort TypeGet = 0x101;
    public const ushort TypeDelete = 0x102;

    private const int HeaderLength = 4;
    private const ushort TupleOriginal = 1;
    private const ushort TupleReply = 2;
    private const ushort AttributeId = 12;
    private const ushort AttributeZone = 18;
    private const ushort TupleIp = 1;
    private const ushort TupleProtocol = 2;
    private const ushort IpV4Source = 1;
    private const ushort IpV4Destination = 2;
    private const ushort IpV6Source = 3;
    private const ushort IpV6Destination = 4;
    private const ushort ProtocolNumber = 1;
    private const ushort ProtocolSourcePort = 2;
    private const ushort ProtocolDestinationPort = 3;
    private const ushort IcmpId = 4;
    private const ushort IcmpType = 5;
    private const ushort IcmpCode = 6;

    /// <summary>The same three attributes for ICMPv6 follow those for ICMP.</summary>
    private const ushort Icmp6Offset = 3;
    private const byte ProtocolIcmp = 1;
    private const byte ProtocolIcmp6 = 58;

    /// <summary>struct nfgenmsg of a dump request; the family filters.</summary>
    public static void WriteDump(ref NetlinkWriter writer, byte family) => writer.Reserve(HeaderLength)[0] = family;

    /// <summary>Body of a request to delete this very entry: its id guards against a new one with the same addresses.</summary>
    public void WriteDelete(ref NetlinkWriter writer)
    {
        writer.Reserve(HeaderLength)[0] = NeighborMessage.FamilyOf(Original.Source);
        WriteTuple(ref writer, TupleOriginal, Original);
        if (Zone != 0)
            writer.AddUInt16BigEndian(AttributeZone, Zone);
        Span<byte> id = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(id, Id);
        writer.Add(AttributeId, id);
    }

    /// <returns>Null for an entry whose addresses are of no family known here.</returns>
    /// <exception cref="NetlinkFormatException">The payload is no conntrack message.</exception>
    public static ConntrackMessage? Parse(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderLength)
            throw new NetlinkFormatException($"nfgenmsg of {payload.Length} bytes, at least {HeaderLength} expected");
        ConntrackTuple? original = null, reply = null;
        uint id = 0;
        ushort zone = 0;
        var attributes = new AttributeReader(payload[HeaderLength..]);
        while (attributes.Read())
        {
            switch (attributes.Type)
            {
                case TupleOriginal:
                    original = ParseTuple(attributes.Nested());
                    break;
                case TupleReply:
                    reply = ParseTuple(attributes.Nested());
                    break;
                case AttributeId:
                    id = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(attributes.UInt32());
                    break;
                case AttributeZone:
                    zone = attributes.UInt16BigEndian();
                    break;
            }
        }
        return original is { } o && reply is { } r ? new ConntrackMessage(o, r, id, zone) : null;
    }

    private static void WriteTuple(ref NetlinkWriter writer, ushort type, ConntrackTuple tuple)
    {
        var v6 = tuple.Source.AddressFamily == AddressFamily.InterNetworkV6;
        var outer = writer.BeginNested(type, flag: true);
        var ip = writer.BeginNested(TupleIp, flag: true);
        writer.AddAddress(v6 ? IpV6Source : IpV4Source, tuple.Source);
        writer.AddAddress(v6 ? IpV6Destination : IpV4Destination, tuple.Destination);
        writer.EndNested(ip);
        var protocol = writer.BeginNested(TupleProtocol, flag: true);
        writer.AddByte(ProtocolNumber, tuple.Protocol);
        if (tuple.Icmp is { } icmp)
        {
            var offset = tuple.Protocol == ProtocolIcmp6 ? Icmp6Offset : (ushort)0;
            writer.AddUInt16BigEndian((ushort)(IcmpId + offset), tuple.SourcePort);
            writer.AddByte((ushort)(IcmpType + offset), icmp.Type);
            writer.AddByte((ushort)(IcmpCode + offset), icmp.Code);
        }
        else
        {
            writer.AddUInt16BigEndian(ProtocolSourcePort, tuple.SourcePort);
            writer.AddUInt16BigEndian(ProtocolDestinationPort, tuple.DestinationPort);
        }
        writer.EndNested(protocol);
        writer.EndNested(outer);
    }

    private static ConntrackTuple? ParseTuple(AttributeReader attributes)
    {
        IPAddress? source = null, destination = null;
        var ports = default((byte Protocol, ushort Source, ushort Destination, (byte, byte)? Icmp));
        while (attributes.Read())
        {
            if (attributes.Type == TupleProtocol)
                ports = ParseProtocol(attributes.Nested());
            if (attributes.Type != TupleIp)
                continue;
            var ip = attributes.Nested();
            while (ip.Read())
            {
                if (ip.Type is IpV4Source or IpV6Source)
                    source = ip.Address();
                else if (ip.Type is IpV4Destination or IpV6Destination)
                    destination = ip.Address();
            }
        }
        return source is null || destination is null
            ? null
            : new ConntrackTuple(source, destination, ports.Protocol, ports.Source, ports.Destination, ports.Icmp);
    }

    private static (byte, ushort, ushort, (byte, byte)?) ParseProtocol(AttributeReader attributes)
    {
        byte protocol = 0, type = 0, code = 0;
        ushort source = 0, destination = 0;
        while (attributes.Read())
        {
            switch (attributes.Type)
            {
                case ProtocolNumber:
                    protocol = attributes.Byte();
                    break;
                case ProtocolSourcePort or IcmpId or IcmpId + Icmp6Offset:
                    source = attributes.UInt16BigEndian();
                    break;
                case ProtocolDestinationPort:
                    destination = attributes.UInt16BigEndian();
                    break;
                case IcmpType or IcmpType + Icmp6Offset:
                    type = attributes.Byte();
                    break;
                case IcmpCode or IcmpCode + Icmp6Offset:
                    code = attributes.Byte();
                    break;
            }
        }
        return (protocol, source, destination, protocol is ProtocolIcmp or ProtocolIcmp6 ? (type, code) : null);
    }
}
