using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Weft.Primitives;

namespace Weft.Wire.Netlink;

/// <summary>RTM_NEWROUTE and relatives: struct rtmsg and RTA_* (include/uapi/linux/rtnetlink.h), with one next hop.</summary>
/// <param name="Table">RTA_TABLE, or rtm_table where that is absent.</param>
/// <param name="Protocol">rtm_protocol: who made the route.</param>
/// <param name="Type">RTN_*: 1 is unicast.</param>
/// <param name="Link">Interface index (RTA_OIF); 0 for none.</param>
/// <param name="Flags">RTNH_F_* and RTM_F_*.</param>
/// <param name="Priority">RTA_PRIORITY, the metric.</param>
/// <param name="Mtu">RTAX_MTU in bytes.</param>
/// <param name="AdvertisedMss">RTAX_ADVMSS in bytes.</param>
/// <param name="Multipath">The route has several next hops (RTA_MULTIPATH), which are not read.</param>
public sealed record RouteMessage(
    IpPrefix Destination, int Link, IPAddress? Gateway = null, IPAddress? Source = null, byte Protocol = 0, byte Scope = 0,
    byte Type = RouteMessage.TypeUnicast, uint Table = RouteMessage.TableMain, uint Flags = 0, uint Priority = 0,
    int? Mtu = null, int? AdvertisedMss = null, bool Multipath = false)
{
    public const byte TypeUnicast = 1;
    public const uint TableMain = 254;
    public const byte ScopeUniverse = 0;
    public const byte ScopeLink = 253;
    public const byte ScopeNowhere = 255;
    public const uint FlagDead = 1;
    public const uint FlagOnLink = 4;

    /// <summary>RTM_F_CLONED: an exception of the route cache, not a route of the table.</summary>
    public const uint FlagCloned = 0x200;
    public const int HeaderLength = 12;

    private const ushort AttributeDestination = 1;
    private const ushort OutInterface = 4;
    private const ushort AttributeGateway = 5;
    private const ushort AttributePriority = 6;
    private const ushort PreferredSource = 7;
    private const ushort Metrics = 8;
    private const ushort AttributeMultipath = 9;
    private const ushort AttributeTable = 15;
    private const ushort Via = 18;
    private const ushort MetricMtu = 2;
    private const ushort MetricAdvertisedMss = 8;

    /// <summary>Header of a dump request; the fields filter when the socket checks strictly (NETLINK_GET_STRICT_CHK), 0 matches all.</summary>
    public static void WriteDump(ref NetlinkWriter writer, byte family, byte table, byte protocol)
    {
        var header = writer.Reserve(HeaderLength);
        header[0] = family;
        header[4] = table;
        header[5] = protocol;
        header[7] = table == 0 && protocol == 0 ? (byte)0 : TypeUnicast;
    }

    public void Write(ref NetlinkWriter writer)
    {
        var header = writer.Reserve(HeaderLength);
        header[0] = Destination.IsIPv6 ? NetlinkFamily.IPv6 : NetlinkFamily.IPv4;
        header[1] = (byte)Destination.Length;
        header[4] = Table <= byte.MaxValue ? (byte)Table : (byte)0;
        header[5] = Protocol;
        header[6] = Scope;
        header[7] = Type;
        MemoryMarshal.Write(header[8..], Flags);
        if (Destination.Length > 0)
            writer.AddAddress(AttributeDestination, Destination.First);
        if (Gateway is not null)
            WriteGateway(ref writer, Gateway);
        if (Link != 0)
            writer.AddInt32(OutInterface, Link);
        if (Source is not null)
            writer.AddAddress(PreferredSource, Source);
        if (Priority != 0)
            writer.AddUInt32(AttributePriority, Priority);
        if (Table > byte.MaxValue)
            writer.AddUInt32(AttributeTable, Table);
        WriteMetrics(ref writer);
    }

    /// <exception cref="NetlinkFormatException">The payload is no IPv4 or IPv6 route message.</exception>
    public static RouteMessage Parse(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderLength)
            throw new NetlinkFormatException($"rtmsg of {payload.Length} bytes, at least {HeaderLength} expected");
        var family = payload[0];
        var bytes = NetlinkFamily.AddressLength(family) ?? throw new NetlinkFormatException($"rtmsg of family {family}, {NetlinkFamily.IPv4} or {NetlinkFamily.IPv6} expected");
        int length = payload[1];
        if (length > 8 * bytes)
            throw new NetlinkFormatException($"rtm_dst_len {length} for an address of {8 * bytes} bits");
        var route = new RouteMessage(
            family == NetlinkFamily.IPv6 ? IpPrefix.AllIPv6 : IpPrefix.AllIPv4, 0, Protocol: payload[5], Scope: payload[6], Type: payload[7],
            Table: payload[4], Flags: MemoryMarshal.Read<uint>(payload[8..]));
        var attributes = new AttributeReader(payload[HeaderLength..]);
        while (attributes.Read())
        {
            route = attributes.Type switch
            {
                AttributeDestination => route with { Destination = ReadDestination(attributes.Value, bytes, length) },
                OutInterface => route with { Link = attributes.Int32() },
                AttributeGateway => route with { Gateway = attributes.Address() },
                AttributePriority => route with { Priority = attributes.UInt32() },
                PreferredSource => route with { Source = attributes.Address() },
                AttributeTable => route with { Table = attributes.UInt32() },
                AttributeMultipath => route with { Multipath = true },
                Via => route with { Gateway = ReadVia(attributes.Value) },
                Metrics => route.WithMetrics(attributes.Nested()),
                _ => route,
            };
        }
        return route.Destination.Length == length
            ? route
            : throw new NetlinkFormatException($"rtm_dst_len {length} without RTA_DST");
    }

    /// <summary>RTA_VIA (struct rtvia) is for a gateway of the other family than the route's.</summary>
    private void WriteGateway(ref NetlinkWriter writer, IPAddress gateway)
    {
        var v6 = gateway.AddressFamily == AddressFamily.InterNetworkV6;
        if (v6 == Destination.IsIPv6)
        {
            writer.AddAddress(AttributeGateway, gateway);
            return;
        }
        var via = writer.AddAttribute(Via, v6 ? 18 : 6);
        MemoryMarshal.Write(via, (ushort)(v6 ? NetlinkFamily.IPv6 : NetlinkFamily.IPv4));
        gateway.TryWriteBytes(via[2..], out _);
    }

    private void WriteMetrics(ref NetlinkWriter writer)
    {
        if (Mtu is null && AdvertisedMss is null)
            return;
        var metrics = writer.BeginNested(Metrics);
        if (Mtu is { } mtu)
            writer.AddInt32(MetricMtu, mtu);
        if (AdvertisedMss is { } mss)
            writer.AddInt32(MetricAdvertisedMss, mss);
        writer.EndNested(metrics);
    }

    private static IpPrefix ReadDestination(ReadOnlySpan<byte> value, int bytes, int length) => value.Length == bytes
        ? new IpPrefix(new IPAddress(value), length)
        : throw new NetlinkFormatException($"RTA_DST of {value.Length} bytes, {bytes} expected");

    private static IPAddress ReadVia(ReadOnlySpan<byte> value) => value.Length is 6 or 18
        ? new IPAddress(value[2..])
        : throw new NetlinkFormatException($"RTA_VIA of {value.Length} bytes, 6 or 18 expected");

    private RouteMessage WithMetrics(AttributeReader metrics)
    {
        var route = this;
        while (metrics.Read())
        {
            route = metrics.Type switch
            {
                MetricMtu => route with { Mtu = metrics.Int32() },
                MetricAdvertisedMss => route with { AdvertisedMss = metrics.Int32() },
                _ => route,
            };
        }
        return route;
    }
}
