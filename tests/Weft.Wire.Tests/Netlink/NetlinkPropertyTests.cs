using System.Net;
using CsCheck;
using Weft.Primitives;
using Weft.Wire.Netlink;

namespace Weft.Wire.Tests.Netlink;

public class NetlinkPropertyTests
{
    private static readonly Gen<bool> V6 = Gen.Bool;

    private static Gen<IPAddress> Address(bool v6) => Gen.Byte.Array[v6 ? 16 : 4].Select(b => new IPAddress(b));

    private static readonly Gen<ulong> Mac = Gen.ULong[0, 0xffffffffffff];

    private delegate void Body(ref NetlinkWriter writer);

    private static byte[] Write(Body body)
    {
        var writer = new NetlinkWriter(new byte[1024]);
        body(ref writer);
        return writer.Written.ToArray();
    }

    [Fact]
    public void RoutesSurvive() =>
        V6.SelectMany(v6 => Gen.Select(Address(v6), Gen.Int[0, v6 ? 128 : 32], Gen.Int[1, int.MaxValue], V6.SelectMany(Address), Address(v6), Gen.Byte, Gen.UInt[1, uint.MaxValue]))
            .Sample((destination, length, link, gateway, source, protocol, table) =>
            {
                var route = new RouteMessage(new IpPrefix(destination, length), link, gateway, source, protocol, 0, Table: table, Flags: 4, Priority: 9, Mtu: 1400, AdvertisedMss: 1360);
                return RouteMessage.Parse(Write(route.Write)) == route;
            });

    [Fact]
    public void AddressesSurvive() =>
        Gen.Select(V6.SelectMany(Address), Gen.Byte, Gen.Int, Gen.UInt, Gen.Byte).Sample((address, length, link, flags, protocol) =>
        {
            var message = new AddressMessage(link, address, length, flags, 253, protocol);
            return AddressMessage.Parse(Write(message.Write)) == message;
        });

    [Fact]
    public void NeighborsSurvive() =>
        Gen.Select(V6.SelectMany(Address), Mac, Gen.Int, Gen.UShort, Gen.Byte).Sample((address, mac, link, state, flags) =>
        {
            var message = new NeighborMessage(NetlinkFamily.Bridge, link, address, mac, state, flags);
            return NeighborMessage.Parse(Write(message.Write)) == message;
        });

    [Fact]
    public void VxlanDevicesSurvive() =>
        Gen.Select(Gen.String[Gen.Char['a', 'z'], 1, 15], Gen.Int[0, 0xffffff], Gen.UShort, V6.SelectMany(Address), Gen.Int[1, 1000], Gen.Bool, Mac)
            .Sample((name, vni, port, local, underlay, learning, mac) =>
            {
                var vxlan = new VxlanAttributes(vni, port, local, underlay, learning);
                var bytes = Write((ref NetlinkWriter w) =>
                {
                    LinkMessage.WriteHeader(ref w, 5, true);
                    LinkMessage.WriteCommon(ref w, name, 1450, mac, 3);
                    LinkMessage.WriteVxlan(ref w, vxlan);
                });
                return LinkMessage.Parse(bytes) == new LinkMessage(5, LinkMessage.FlagUp, name, "vxlan", 1450, mac, 3, 0, null, vxlan);
            });

    [Fact]
    public void MessagesOfADatagramAreReadInOrder() =>
        Gen.Select(Gen.UShort, Gen.UInt, Gen.Byte.Array[0, 30]).List[0, 8].Sample(messages =>
        {
            var bytes = Write((ref NetlinkWriter w) =>
            {
                foreach (var (type, sequence, body) in messages)
                {
                    w.BeginMessage(type, NetlinkFlags.Multi, sequence);
                    w.Add(1, body);
                    w.EndMessage();
                }
            });
            var reader = new NetlinkReader(bytes);
            foreach (var (type, sequence, body) in messages)
            {
                Assert.True(reader.Read());
                Assert.Equal((type, sequence), (reader.Type, reader.Sequence));
                var attributes = new AttributeReader(reader.Payload);
                Assert.True(attributes.Read());
                Assert.Equal(body, attributes.Value.ToArray());
            }
            Assert.False(reader.Read());
        });

    /// <summary>Any bytes either parse or are refused by the format's own error.</summary>
    [Fact]
    public void RandomBytesNeverThrowAnythingElse() => Bytes().Sample(Survives, iter: 20000);

    /// <summary>Valid messages with one byte changed reach deeper than random ones.</summary>
    [Fact]
    public void DamagedMessagesNeverThrowAnythingElse() =>
        Gen.Select(Gen.Int[0, Valid.Length - 1], Gen.Int[0, 10_000], Gen.Byte, Gen.Int[0, 10_000]).Sample((which, position, value, cut) =>
        {
            var bytes = (byte[])Valid[which].Clone();
            bytes[position % bytes.Length] = value;
            Survives(bytes);
            Survives(bytes[..(cut % (bytes.Length + 1))]);
        }, iter: 20000);

    private static readonly byte[][] Valid =
    [
        Write(new RouteMessage(IpPrefix.Parse("10.244.2.0/24"), 7, IPAddress.Parse("fe80::1"), IPAddress.Parse("172.30.0.11"), 87, Mtu: 1400).Write),
        Write(new AddressMessage(5, IPAddress.Parse("fd00:244::5"), 128, 0x202, 0, 87).Write),
        Write(new NeighborMessage(NetlinkFamily.IPv4, 3, IPAddress.Parse("169.254.1.1"), 1, 0x80).Write),
        Write((ref NetlinkWriter w) => NamespaceIdMessage.WriteNew(ref w, 9)),
        Write((ref NetlinkWriter w) =>
        {
            LinkMessage.WriteHeader(ref w, 5, true);
            LinkMessage.WriteCommon(ref w, "name", 1450, 5, 3);
            LinkMessage.WriteVxlan(ref w, new VxlanAttributes(4096, 4789, IPAddress.Parse("172.30.0.11"), 2, false));
        }),
        Write(new ConntrackMessage(
            new(IPAddress.Parse("10.0.0.1"), IPAddress.Parse("10.0.0.2"), 1, 7, 7, (8, 0)), default, 4, 1).WriteDelete),
        Write((ref NetlinkWriter w) => { w.BeginMessage(16, NetlinkFlags.Multi, 1); w.AddString(3, "eth0"); w.EndMessage(); }),
        [0xea, 0xff, 0xff, 0xff, 0x14, 0, 0, 0, 0x18, 0, 5, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd, 8, 0, 5, 0, 5, 0, 0, 0],
    ];

    private static Gen<byte[]> Bytes() =>
        // Small values make lengths and families that lead somewhere.
        Gen.OneOf(Gen.Byte, Gen.Byte[0, 20]).Array[0, 120];

    private static void Survives(byte[] bytes)
    {
        Try(() => LinkMessage.Parse(bytes));
        Try(() => AddressMessage.Parse(bytes));
        Try(() => RouteMessage.Parse(bytes));
        Try(() => NeighborMessage.Parse(bytes));
        Try(() => NamespaceIdMessage.Parse(bytes));
        Try(() => ConntrackMessage.Parse(bytes));
        foreach (var flags in (NetlinkFlags[])[NetlinkFlags.None, NetlinkFlags.AckAttributes, NetlinkFlags.AckAttributes | NetlinkFlags.Capped])
        {
            Try(() => NetlinkAcknowledgement.Parse(ControlType.Error, flags, bytes));
            Try(() => NetlinkAcknowledgement.Parse(ControlType.Done, flags, bytes));
        }
        Try(() =>
        {
            var reader = new NetlinkReader(bytes);
            while (reader.Read())
            {
                var attributes = new AttributeReader(reader.Payload);
                while (attributes.Read())
                    _ = attributes.Text();
            }
        });
    }

    private static void Try(Action read)
    {
        try
        {
            read();
        }
        catch (NetlinkFormatException)
        {
            // The one that is allowed.
        }
    }
}
