using System.Net;
using Weft.Primitives;
using Weft.Wire.Netlink;

namespace Weft.Wire.Tests.Netlink;

/// <summary>Bytes laid out by hand after the structures of include/uapi/linux, on a little-endian machine.</summary>
public class NetlinkBytesTests
{
    private delegate void Body(ref NetlinkWriter writer);

    private static string Hex(Body body)
    {
        Assert.True(BitConverter.IsLittleEndian, "the tables are little-endian");
        var writer = new NetlinkWriter(new byte[512]);
        body(ref writer);
        return Convert.ToHexString(writer.Written);
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", ""));

    private static string Compact(string hex) => hex.Replace(" ", "");

    [Fact] // netlink.h: struct nlmsghdr { len, type, flags, seq, pid }
    public void NetlinkHeader() => Assert.Equal(
        Compact("14000000 1000 0503 07000000 00000000 AABBCCDD"),
        Hex((ref NetlinkWriter w) =>
        {
            w.BeginMessage(RouteMessageType.NewLink, NetlinkFlags.Request | NetlinkFlags.Ack | NetlinkFlags.Dump, 7);
            Bytes("AABBCCDD").CopyTo(w.Reserve(4));
            w.EndMessage();
        }));

    [Fact] // netlink.h: struct nlattr { len, type }, padded to NLA_ALIGNTO
    public void Attributes() => Assert.Equal(
        Compact("0700 0300 656800 00" + "0500 0900 01 000000" + "0600 0F00 12B5 0000" + "0A00 0100 020000000102 0000"),
        Hex((ref NetlinkWriter w) =>
        {
            w.AddString(3, "eh");
            w.AddByte(9, 1);
            w.AddUInt16BigEndian(15, 4789);
            w.AddMac(1, 0x020000000102);
        }));

    [Fact] // if_link.h, veth.h: IFLA_LINKINFO { IFLA_INFO_KIND, IFLA_INFO_DATA { VETH_INFO_PEER { ifinfomsg, attributes } } }
    public void VethLink() => Assert.Equal(
        Compact("00000000 00000000 01000000 01000000" // ifinfomsg: IFF_UP in flags and change
            + "0600 0300 6100 0000" // IFLA_IFNAME "a"
            + "0800 0400 AA050000" // IFLA_MTU 1450
            + "4000 1200" // IFLA_LINKINFO
            + "0900 0100 7665746800 000000" // IFLA_INFO_KIND "veth"
            + "3000 0200" // IFLA_INFO_DATA
            + "2C00 0100 00000000 00000000 00000000 00000000" // VETH_INFO_PEER, ifinfomsg
            + "0600 0300 6200 0000" // IFLA_IFNAME "b"
            + "0800 0400 AA050000" // IFLA_MTU
            + "0800 1C00 09000000"), // IFLA_NET_NS_FD 9
        Hex((ref NetlinkWriter w) =>
        {
            LinkMessage.WriteHeader(ref w, up: true);
            LinkMessage.WriteCommon(ref w, "a", 1450);
            LinkMessage.WriteVeth(ref w, "b", 1450, null, 9);
        }));

    [Fact] // if_link.h: IFLA_VXLAN_ID, _LINK, _LOCAL, _LEARNING, _PORT (big-endian)
    public void VxlanLink() => Assert.Equal(
        Compact("00000000 00000000 00000000 00000000"
            + "3C00 1200" + "0A00 0100 76786C616E00 0000" // IFLA_LINKINFO, IFLA_INFO_KIND "vxlan"
            + "2C00 0200"
            + "0800 0100 00100000" // VNI 4096
            + "0800 0300 02000000" // index 2
            + "0800 0400 AC1E000B" // 172.30.0.11
            + "0500 0700 00 000000"
            + "0600 0F00 12B5 0000"),
        Hex((ref NetlinkWriter w) =>
        {
            LinkMessage.WriteHeader(ref w);
            LinkMessage.WriteVxlan(ref w, new VxlanAttributes(4096, 4789, IPAddress.Parse("172.30.0.11"), 2, false));
        }));

    [Fact] // if_addr.h: struct ifaddrmsg { family, prefixlen, flags, scope, index }, IFA_LOCAL, IFA_ADDRESS, IFA_FLAGS, IFA_PROTO
    public void Address() => Assert.Equal(
        Compact("0A 80 02 00 05000000"
            + "1400 0200 FD000244000000000000000000000005" + "1400 0100 FD000244000000000000000000000005"
            + "0800 0800 02020000" + "0500 0B00 57 000000"),
        Hex(new AddressMessage(5, IPAddress.Parse("fd00:244::5"), 128, AddressMessage.FlagNoDad | AddressMessage.FlagNoPrefixRoute, 0, 87).Write));

    [Fact] // rtnetlink.h: struct rtmsg { family, dst_len, src_len, tos, table, protocol, scope, type, flags }, RTA_*
    public void Route() => Assert.Equal(
        Compact("02 18 00 00 FE 57 00 01 04000000"
            + "0800 0100 0AF40200" + "0800 0500 0AF40200" + "0800 0400 07000000" + "0800 0700 AC1E000B" + "0800 0600 05000000"
            + "1400 0800 0800 0200 78050000 0800 0800 50050000"),
        Hex(new RouteMessage(IpPrefix.Parse("10.244.2.0/24"), 7, IPAddress.Parse("10.244.2.0"), IPAddress.Parse("172.30.0.11"), 87,
            Flags: RouteMessage.FlagOnLink, Priority: 5, Mtu: 1400, AdvertisedMss: 1360).Write));

    [Fact] // rtnetlink.h: struct rtvia { family, address }
    public void RouteThroughAGatewayOfTheOtherFamily() => Assert.Equal(
        Compact("02 00 00 00 FE 57 00 01 00000000" + "1600 1200 0A00 FE800000000000000000000000000001 0000" + "0800 0400 07000000"),
        Hex(new RouteMessage(IpPrefix.AllIPv4, 7, IPAddress.Parse("fe80::1"), Protocol: 87).Write));

    [Fact] // neighbour.h: struct ndmsg { family, ifindex, state, flags, type }, NDA_DST, NDA_LLADDR
    public void Neighbor() => Assert.Equal(
        Compact("02 000000 03000000 8000 00 00" + "0800 0100 A9FE0101" + "0A00 0200 020000000001 0000"),
        Hex(new NeighborMessage(NetlinkFamily.IPv4, 3, IPAddress.Parse("169.254.1.1"), 0x020000000001, NeighborMessage.StatePermanent).Write));

    [Fact] // net_namespace.h: NETNSA_FD, NETNSA_NSID
    public void NamespaceId() => Assert.Equal(
        Compact("00000000" + "0800 0300 09000000" + "0800 0100 FFFFFFFF"),
        Hex((ref NetlinkWriter w) => NamespaceIdMessage.WriteNew(ref w, 9)));

    [Fact] // nfnetlink_conntrack.h: CTA_TUPLE_ORIG { CTA_TUPLE_IP, CTA_TUPLE_PROTO }, CTA_ID, all big-endian and flagged as nested
    public void ConntrackDelete()
    {
        var tuple = new ConntrackTuple(IPAddress.Parse("10.0.0.1"), IPAddress.Parse("10.0.0.2"), 17, 4660, 53);
        Assert.Equal(
            Compact("02 00 0000" + "3400 0180" + "1400 0180 0800 0100 0A000001 0800 0200 0A000002"
                + "1C00 0280 0500 0100 11 000000 0600 0200 1234 0000 0600 0300 0035 0000" + "0800 0C00 01020304"),
            Hex(new ConntrackMessage(tuple, tuple, 0x01020304, 0).WriteDelete));
    }

    [Fact] // netlink.h: struct nlmsgerr { error, msg } capped, NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS
    public void ExtendedAcknowledgement()
    {
        var payload = Bytes("9BFFFFFF 1C000000 1800 0506 01000000 00000000" + "0B00 0100 4E6F207761 7900 00" + "0800 0200 14000000");
        var error = NetlinkAcknowledgement.Parse(ControlType.Error, NetlinkFlags.Capped | NetlinkFlags.AckAttributes, payload);
        Assert.Equal(new NetlinkAcknowledgement(101, "No way", 20), error);
        Assert.Equal("No way", error.Detail);
    }

    [Fact] // The same where the kernel quotes the whole request: 20 bytes here, the attributes follow it.
    public void ExtendedAcknowledgementWithTheRequest()
    {
        var payload = Bytes("EAFFFFFF 14000000 1800 0506 01000000 00000000 AABBCCDD" + "0800 0500 05000000");
        var error = NetlinkAcknowledgement.Parse(ControlType.Error, NetlinkFlags.AckAttributes, payload);
        Assert.Equal(new NetlinkAcknowledgement(22, MissingAttribute: 5), error);
        Assert.Equal("attribute 5 is missing", error.Detail);
    }

    [Fact] // As `ip link show` gets it: attributes unknown here are passed over.
    public void ReadsALink()
    {
        var payload = Bytes("00 00 0100 0C000000 43100100 00000000"
            + "0F00 0300 776566742E7678 6C616E00 00".Replace(" ", "") // IFLA_IFNAME "weft.vxlan"
            + "0800 0D00 E8030000" // IFLA_TXQLEN
            + "0800 0400 AA050000" + "0800 0A00 03000000" + "0A00 0100 0200000000AB 0000"
            + "2400 1200 0A00 0100 76786C616E00 0000 1400 0200 0800 0100 00100000 0600 0F00 12B5 0000");
        var link = LinkMessage.Parse(payload);
        Assert.Equal(
            new LinkMessage(12, 0x11043, "weft.vxlan", "vxlan", 1450, 0x0200000000AB, 3, 0, null, new VxlanAttributes(4096, 4789, null, 0, false)), link);
        Assert.True(link.Up && link.LowerUp);
    }

    [Theory]
    [InlineData("0F000000 1000 0000 00000000 00000000")] // shorter than its header
    [InlineData("20000000 1000 0000 00000000 00000000")] // longer than the datagram
    [InlineData("10000000 1000")]
    public void RefusesMessagesOfImpossibleLength(string hex) => Assert.Throws<NetlinkFormatException>(() =>
    {
        var reader = new NetlinkReader(Bytes(hex));
        reader.Read();
    });

    [Fact]
    public void SaysThatTheBufferIsTooSmall()
    {
        var error = Assert.Throws<NetlinkFormatException>(() =>
        {
            var writer = new NetlinkWriter(new byte[16]);
            writer.BeginMessage(16, NetlinkFlags.Request, 1);
            writer.AddUInt32(1, 2);
        });
        Assert.Contains("16 bytes", error.Message);
    }
}
