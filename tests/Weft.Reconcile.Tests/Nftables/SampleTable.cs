using System.Net;
using Weft.Model.Nft;
using Weft.Primitives;
using static Weft.Model.Nft.NftField;

namespace Weft.Reconcile.Tests.Nftables;

/// <summary>A table that uses every expression, value and type of the model once, in the layout of a node.</summary>
internal static class SampleTable
{
    internal static readonly EquatableArray<NftField> ServiceKey = [Ipv4Destination, Protocol, DestinationPort];

    internal static readonly EquatableArray<NftField> ServiceKey6 = [Ipv6Destination, Protocol, DestinationPort];

    internal static NftTable Create() => new("weft", Sets(), Chains());

    internal static IPAddress Ip(string text) => IPAddress.Parse(text);

    internal static NftElement Backend(string vip, int port, int index, string backend, int backendPort) => new(
        [NftValue.Of(Ip(vip)), NftValue.Of(Weft.Model.Protocol.Tcp), NftValue.Of(port), NftValue.Of(index)],
        [NftValue.Of(Ip(backend)), NftValue.Of(backendPort)]);

    internal static NftElement Service(string vip, int port, NftVerdict verdict) =>
        new([NftValue.Of(Ip(vip)), NftValue.Of(Weft.Model.Protocol.Tcp), NftValue.Of(port)], Verdict: verdict);

    private static EquatableArray<NftSet> Sets() =>
    [
        new("services4", [NftType.Ipv4Address, NftType.InetProto, NftType.InetService], [NftType.Verdict], false,
        [
            Service("10.96.0.1", 443, NftVerdict.Goto("pick2")),
            new([NftValue.Of(Ip("10.96.0.2")), NftValue.Of(Weft.Model.Protocol.Sctp), NftValue.Of(3868)], Verdict: NftVerdict.Accept),
            new([NftValue.Of(Ip("10.96.0.3")), NftValue.Of(Weft.Model.Protocol.Udp), NftValue.Of(53)], Verdict: NftVerdict.Drop),
        ]),
        new("backends4", [NftType.Ipv4Address, NftType.InetProto, NftType.InetService, NftType.Numgen], [NftType.Ipv4Address, NftType.InetService], false,
            [Backend("10.96.0.1", 443, 0, "10.244.1.2", 6443), Backend("10.96.0.1", 443, 1, "10.244.2.2", 6443)]),
        new("backends6", [NftType.Ipv6Address, NftType.InetProto, NftType.InetService, NftType.Numgen], [NftType.Ipv6Address, NftType.InetService], false,
            [Backend("fd00:96::1", 443, 0, "fd00:244::2", 6443)]),
        new("without-endpoints", [NftType.Ipv4Address, NftType.InetProto, NftType.InetService], [], false,
            [new([NftValue.Of(Ip("10.96.0.9")), NftValue.Of(Weft.Model.Protocol.Tcp), NftValue.Of(80)])]),
        new("peers", [NftType.Ipv4Address, NftType.InetProto, NftType.InetService], [], true,
        [
            new([NftValue.Of(IpPrefix.Parse("10.1.0.0/16")), NftValue.Of(Weft.Model.Protocol.Tcp), new NftRange(80, 90)]),
            new([NftValue.Of(IpPrefix.AllIPv4), NftValue.Of(Weft.Model.Protocol.Udp), NftValue.Of(53)]),
            new([new NftAddressRange(Ip("10.2.0.1"), Ip("10.2.0.5")), NftValue.Of(Weft.Model.Protocol.Sctp), new NftRange(0, 65535)]),
            new([new NftAddressRange(Ip("10.3.0.4"), Ip("10.3.0.7")), new NftProtocol(1), new NftRange(7, 7)]),
        ]),
        new("blocks4", [NftType.Ipv4Address], [], true,
            [new([NftValue.Of(IpPrefix.Parse("192.0.2.0/24"))]), new([new NftAddressRange(Ip("198.51.100.1"), Ip("198.51.100.9"))]), new([NftValue.Of(Ip("203.0.113.7"))])]),
        new("blocks6", [NftType.Ipv6Address], [], true, [new([NftValue.Of(IpPrefix.Parse("2001:db8::/32"))]), new([NftValue.Of(Ip("fd00::1"))])]),
        new("marks", [NftType.Mark], [NftType.Mark], false, [new([NftValue.Of(0x4000)], [NftValue.Of(1)])]),
        new("underlays", [NftType.InterfaceName], [], false, [new([new NftText("weft.vxlan")]), new([new NftText("eth0")])]),
        new("clients", [NftType.Ipv4Address, NftType.Ipv4Address], [], false, [], TimeoutSeconds: 10800, Dynamic: true),
    ];

    private static EquatableArray<NftChain> Chains() =>
    [
        new("pick2", null, [new([new NftDnat(false, ServiceKey, 2, "backends4")], "Services with 2 endpoints")]),
        new("pick1-v6", null, [new([new NftDnat(true, ServiceKey6, 1, "backends6", BySource: true)], "Services with 1 endpoint")]),
        new("nat-prerouting", new NftHook(NftChainType.Nat, NftHookPoint.Prerouting, -100),
        [
            new([new NftVerdictMap(ServiceKey, "services4")], "Services"),
            new([new NftDestinationIsLocal(), new NftMatch(Ipv6Destination, NftValue.Of(Ip("fd00:96::1"))), new NftVerdictStatement(NftVerdict.Jump("pick1-v6"))], "Service default/six:https"),
        ]),
        new("filter-forward", new NftHook(NftChainType.Filter, NftHookPoint.Forward, 0),
        [
            new([new NftCtStateMatch(NftCtState.Established | NftCtState.Related), new NftVerdictStatement(NftVerdict.Accept)], "established"),
            new([new NftCtStateMatch(NftCtState.Invalid), new NftCounter(), new NftVerdictStatement(NftVerdict.Drop)], "invalid"),
            new([new NftLookup(ServiceKey, "without-endpoints"), new NftCounter(), new NftVerdictStatement(NftVerdict.Reject)], "Service \"default/empty\" has no endpoints"),
            new([new NftFamilyMatch(false), new NftLookup([Ipv4Source, Protocol, DestinationPort], "peers"), new NftVerdictStatement(NftVerdict.Return)], "NetworkPolicy default/allow-frontend ingress[0]"),
            new([new NftFamilyMatch(true), new NftLookup([Ipv6Source], "blocks6", Not: true), new NftVerdictStatement(NftVerdict.Goto("policy-blocks"))], "NetworkPolicy default/blocks"),
            new([new NftCtStatusDnat(), new NftMatch(OriginalIpv4Destination, NftValue.Of(IpPrefix.Parse("10.96.0.0/16"))), new NftCounter()], "dnat"),
        ]),
        new("policy-blocks", null,
        [
            new([new NftMatch(InputInterface, new NftText("weft*"), Not: true), new NftMatch(OutputInterface, new NftText("eth0")), new NftCounter()], "interfaces"),
            new([new NftMatch(SourcePort, new NftRange(1024, 65535)), new NftMatch(DestinationPort, NftValue.Of(80), Not: true), new NftCounter()], "ports"),
            new([new NftMatch(Protocol, NftValue.Of(Weft.Model.Protocol.Sctp)), new NftLookup([InputInterface], "underlays"), new NftCounter()], "underlays"),
            new([new NftMatch(Mark, NftValue.Of(7)), new NftMatch(Ipv4Source, new NftAddressRange(Ip("10.0.0.1"), Ip("10.0.0.9"))), new NftCounter()], "sources"),
            new([new NftMatch(OriginalIpv6Destination, NftValue.Of(IpPrefix.Parse("fd00:96::/112"))), new NftCounter()], "original"),
            new([new NftLookup([Ipv4Source], "blocks4"), new NftCounter()], "blocks"),
        ]),
        new("nat-postrouting", new NftHook(NftChainType.Nat, NftHookPoint.Postrouting, 100),
        [
            new([new NftMarkMatch(0x4000, 0x4000), new NftDestinationIsLocal(Not: true), new NftSetMark(0x4000, 0), new NftMasquerade()], "masquerade"),
            new([new NftMatch(Ipv4Source, NftValue.Of(Ip("10.244.1.2"))), new NftSnat(Ip("172.30.0.11"))], "hairpin"),
            new([new NftMatch(Ipv6Source, NftValue.Of(Ip("fd00:244::2"))), new NftSnat(Ip("fd00:30::11"))], "hairpin"),
        ]),
        new("mark-prerouting", new NftHook(NftChainType.Filter, NftHookPoint.Prerouting, -150, PolicyDrop: false),
        [
            new([new NftSetMark(0x4000, 0x4000)], "mark"),
            new([new NftSetMark(0xc000, 0x4000)], "mark"),
            new([new NftSetMark(uint.MaxValue, 0x4000)], "mark"),
        ]),
    ];
}
