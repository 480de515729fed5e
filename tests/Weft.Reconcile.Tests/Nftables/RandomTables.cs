using System.Net;
using CsCheck;
using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Reconcile.Tests.Nftables;

/// <summary>
/// Consistent tables in the layout of a node, drawn from small pools so that two of them share much and differ in a little of everything:
/// sets, chains, elements (new, gone, with other data), rules, and now and then a definition.
/// </summary>
internal static class RandomTables
{
    private static readonly Gen<IPAddress> Vip = Gen.Int[1, 5].Select(i => IPAddress.Parse($"10.96.0.{i}"));

    private static readonly Gen<NftValue> Port = Gen.Int[80, 83].Select(port => NftValue.Of(port));

    private static readonly Gen<NftValue> Proto = Gen.Bool.Select(tcp => NftValue.Of(tcp ? Weft.Model.Protocol.Tcp : Weft.Model.Protocol.Sctp));

    // Disjoint by construction: the kernel refuses overlapping intervals, and compilers never make any.
    private static readonly Gen<NftValue> Block = Gen.Select(Gen.Int[0, 5], Gen.Int[0, 3], (i, kind) => kind switch
    {
        0 => NftValue.Of(IpPrefix.Parse($"10.{i}.0.0/16")),
        1 => NftValue.Of(IPAddress.Parse($"10.{i}.0.0")),
        2 => new NftAddressRange(IPAddress.Parse($"10.{i}.0.0"), IPAddress.Parse($"10.{i}.0.9")),
        _ => new NftAddressRange(IPAddress.Parse($"10.{i}.0.0"), IPAddress.Parse($"10.{i}.0.3")),
    });

    private static readonly Gen<NftValue> Ports = Gen.Int[0, 2].Select(kind => kind switch
    {
        0 => new NftRange(80, 90),
        1 => NftValue.Of(100),
        _ => new NftRange(200, 65535),
    });

    private static Gen<EquatableArray<NftElement>> Services(int chains) =>
        Gen.Select(Vip, Proto, Port, Gen.Int[-1, chains - 1], (vip, proto, port, chain) =>
                new NftElement([NftValue.Of(vip), proto, port], Verdict: chain < 0 ? NftVerdict.Accept : NftVerdict.Goto($"n{chain}")))
            .List[0, 12].Select(Distinct);

    private static readonly Gen<EquatableArray<NftElement>> Backends =
        Gen.Select(Vip, Proto, Port, Gen.Int[0, 2], Gen.Int[1, 6], (vip, proto, port, index, backend) =>
                new NftElement([NftValue.Of(vip), proto, port, NftValue.Of(index)], [NftValue.Of(IPAddress.Parse($"10.244.0.{backend}")), NftValue.Of(8080)]))
            .List[0, 20].Select(Distinct);

    private static readonly Gen<EquatableArray<NftElement>> Peers =
        Gen.Select(Block, Ports, (block, ports) => new NftElement([block, ports])).List[0, 8].Select(ByNetwork);

    private static readonly Gen<EquatableArray<NftElement>> Blocks =
        Block.Select(block => new NftElement([block])).List[0, 6].Select(ByNetwork);

    internal static readonly Gen<NftTable> Table =
        from chainCount in Gen.Int[1, 5]
        from services in Services(chainCount)
        from backends in Backends
        from peers in Peers
        from blocks in Blocks
        from extra in Gen.Bool
        from other in Gen.Int[0, 14]
        from chains in Chains(chainCount, extra)
        select new NftTable(
            "weft",
            [
                new("services", [NftType.Ipv4Address, NftType.InetProto, NftType.InetService], [NftType.Verdict], false, services),
                new("backends", [NftType.Ipv4Address, NftType.InetProto, NftType.InetService, NftType.Numgen], [NftType.Ipv4Address, NftType.InetService], false, backends),
                new("peers", [NftType.Ipv4Address, NftType.InetService], default, true, peers),
                .. extra ? [new NftSet("blocks", [NftType.Ipv4Address], default, true, blocks)] : Array.Empty<NftSet>(),
                // Rarely another type under the same name.
                new("varying", [other == 0 ? NftType.Ipv6Address : NftType.Mark], default, false, []),
            ],
            chains);

    private static EquatableArray<NftElement> Distinct(List<NftElement> elements) => elements.DistinctBy(element => element.Key).ToEquatableArray();

    private static EquatableArray<NftElement> ByNetwork(List<NftElement> elements) =>
        elements.DistinctBy(element => $"{First(element.Key[0])} {(element.Key.Count > 1 ? element.Key[1] : null)}").ToEquatableArray();

    private static IPAddress First(NftValue value) => value switch
    {
        NftPrefix prefix => prefix.Prefix.First,
        NftAddressRange range => range.First,
        NftAddress address => address.Address,
        _ => throw new ArgumentException(value.ToString()),
    };

    private static Gen<EquatableArray<NftChain>> Chains(int count, bool blocks) =>
        from picked in Gen.Select(Nat(count), Nat(count)).Select((first, _) => first)
        from filters in Filters(count, blocks)
        from output in Gen.Bool
        from priority in Gen.Int[0, 12]
        select (EquatableArray<NftChain>)
        [
            .. picked,
            .. filters,
            new NftChain(
                "prerouting", new NftHook(NftChainType.Nat, NftHookPoint.Prerouting, -100), [new([new NftVerdictMap(SampleTable.ServiceKey, "services")], "Services")]),
            .. output
                ? [new NftChain("output", new NftHook(NftChainType.Nat, NftHookPoint.Output, priority == 0 ? -90 : -100), [new([new NftVerdictMap(SampleTable.ServiceKey, "services")], "Services")])]
                : Array.Empty<NftChain>(),
        ];

    private static Gen<NftChain[]> Nat(int count) => Gen.Int[1, 3].Array[count].Select(backends => backends
        .Select((n, i) => new NftChain($"n{i}", null, [new([new NftDnat(false, SampleTable.ServiceKey, n, "backends")], $"Services of {n}")])).ToArray());

    private static Gen<NftChain[]> Filters(int count, bool blocks) =>
        from rules in Rule(blocks).List[0, 4].Array[count + 1]
        select rules.Select((list, i) => new NftChain(
            i == 0 ? "forward" : $"policy-{i}",
            i == 0 ? new NftHook(NftChainType.Filter, NftHookPoint.Forward, 0) : null,
            [
                .. list,
                // Each chain leads to the next, so that chains are in use when they go.
                .. i < count ? [new NftRule([new NftVerdictStatement(NftVerdict.Jump($"policy-{i + 1}"))], "next")] : Array.Empty<NftRule>(),
            ])).ToArray();

    private static Gen<NftRule> Rule(bool blocks) => Gen.Int[0, blocks ? 4 : 3].Select(kind => kind switch
    {
        0 => new NftRule([new NftLookup([NftField.Ipv4Source, NftField.DestinationPort], "peers"), new NftVerdictStatement(NftVerdict.Return)], "NetworkPolicy default/a ingress[0]"),
        1 => new NftRule([new NftCtStateMatch(NftCtState.Established), new NftVerdictStatement(NftVerdict.Accept)], "established"),
        2 => new NftRule([new NftCounter(), new NftVerdictStatement(NftVerdict.Reject)], "reject"),
        3 => new NftRule([new NftMatch(NftField.DestinationPort, NftValue.Of(80)), new NftCounter()], "count"),
        _ => new NftRule([new NftLookup([NftField.Ipv4Source], "blocks"), new NftVerdictStatement(NftVerdict.Drop)], "blocks"),
    });
}
