using System.Net;
using Weft.Primitives;

namespace Weft.Model.Nft;

/// <summary>What a packet is asked for.</summary>
public enum NftField
{
    Ipv4Source,
    Ipv4Destination,
    Ipv6Source,
    Ipv6Destination,

    /// <summary><c>meta l4proto</c>.</summary>
    Protocol,

    /// <summary><c>th sport</c>: source port of TCP, UDP or SCTP.</summary>
    SourcePort,

    /// <summary><c>th dport</c>.</summary>
    DestinationPort,
    Mark,
    InputInterface,
    OutputInterface,

    /// <summary>Destination before NAT: <c>ct original ip daddr</c>.</summary>
    OriginalIpv4Destination,

    /// <summary><c>ct original ip6 daddr</c>.</summary>
    OriginalIpv6Destination,
}

/// <summary>One step of a rule. A closed set: renderer and tracer switch over all of it.</summary>
public abstract record NftExpression;

/// <summary>Compares a field with a constant (equality, prefix or range); <paramref name="Not"/> inverts.</summary>
public sealed record NftMatch(NftField Field, NftValue Value, bool Not = false) : NftExpression;

/// <summary>Compares a masked mark: <c>meta mark and MASK == VALUE</c>.</summary>
public sealed record NftMarkMatch(uint Mask, uint Value) : NftExpression;

/// <summary>Looks the concatenated fields up in a named set.</summary>
public sealed record NftLookup(EquatableArray<NftField> Fields, string Set, bool Not = false) : NftExpression;

/// <summary>Looks the fields up in a verdict map and takes the verdict found; without one the rule does not match.</summary>
public sealed record NftVerdictMap(EquatableArray<NftField> Fields, string Map) : NftExpression;

/// <summary>Connection tracking states, any of which matches (<c>ct state</c>).</summary>
[Flags]
public enum NftCtState { New = 1, Established = 2, Related = 4, Invalid = 8 }

public sealed record NftCtStateMatch(NftCtState States) : NftExpression;

/// <summary><c>ct status dnat</c>: the connection's destination was translated.</summary>
public sealed record NftCtStatusDnat : NftExpression;

/// <summary><c>fib daddr type local</c>: the destination is an address of this node.</summary>
public sealed record NftDestinationIsLocal(bool Not = false) : NftExpression;

/// <summary><c>meta nfproto</c>.</summary>
public sealed record NftFamilyMatch(bool IPv6) : NftExpression;

/// <summary>Sets bits of the packet mark: <c>meta mark set meta mark and ~MASK or VALUE</c>.</summary>
public sealed record NftSetMark(uint Mask, uint Value) : NftExpression;

/// <summary>
/// <c>dnat ip to &lt;fields . numgen random mod N&gt; map @map</c>: picks one of N backends evenly. The map's key is the fields
/// followed by an index below <paramref name="Count"/>; its data is an address and a port. With <paramref name="BySource"/> the index is
/// <c>jhash ip saddr mod N seed 0x77656674</c> instead, so that a client keeps its backend (session affinity).
/// </summary>
public sealed record NftDnat(bool IPv6, EquatableArray<NftField> Fields, int Count, string Map, bool BySource = false) : NftExpression;

/// <summary>Source NAT to the address of the leaving interface, with fully random ports.</summary>
public sealed record NftMasquerade : NftExpression;

/// <summary>Source NAT to a given address, <c>snat ip to ADDRESS fully-random</c> (or <c>snat ip6 to</c>, after the address's family).</summary>
public sealed record NftSnat(IPAddress Address) : NftExpression;

/// <summary><c>counter</c>.</summary>
public sealed record NftCounter : NftExpression;

/// <summary>Ends the rule with a verdict; always the last expression.</summary>
public sealed record NftVerdictStatement(NftVerdict Verdict) : NftExpression;

public enum NftVerdictKind { Accept, Drop, Reject, Jump, Goto, Return }

/// <summary>Reject answers TCP with a reset and everything else with ICMP port unreachable.</summary>
public sealed record NftVerdict(NftVerdictKind Kind, string? Chain = null)
{
    public static NftVerdict Accept { get; } = new(NftVerdictKind.Accept);

    public static NftVerdict Drop { get; } = new(NftVerdictKind.Drop);

    public static NftVerdict Reject { get; } = new(NftVerdictKind.Reject);

    public static NftVerdict Return { get; } = new(NftVerdictKind.Return);

    public static NftVerdict Jump(string chain) => new(NftVerdictKind.Jump, chain);

    public static NftVerdict Goto(string chain) => new(NftVerdictKind.Goto, chain);
}
