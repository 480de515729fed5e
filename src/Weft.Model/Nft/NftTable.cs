using Weft.Primitives;

namespace Weft.Model.Nft;

/// <summary>
/// One nftables table (always family inet, so that a rule serves both IP families), as data. The renderer turns it into nft text and the
/// tracer walks packets through it: both read the same rules, so they cannot disagree on what was compiled.
/// </summary>
public sealed record NftTable(string Name, EquatableArray<NftSet> Sets, EquatableArray<NftChain> Chains);

/// <summary>Key and value types of sets and maps (nft(8), DATA TYPES).</summary>
public enum NftType
{
    Ipv4Address,
    Ipv6Address,
    InetProto,
    InetService,
    Mark,
    InterfaceName,

    /// <summary>The result of <c>numgen</c>: an integer without a size of its own, hence declared with <c>typeof</c>.</summary>
    Numgen,
    Verdict,
}

/// <summary>
/// A named set, map (<see cref="Data"/> not empty) or verdict map (<see cref="Data"/> is Verdict alone). Keys may be concatenations.
/// <see cref="Interval"/> allows prefixes and ranges. <see cref="TimeoutSeconds"/> makes entries that packets add expire.
/// </summary>
public sealed record NftSet(
    string Name,
    EquatableArray<NftType> Key,
    EquatableArray<NftType> Data,
    bool Interval,
    EquatableArray<NftElement> Elements,
    int? TimeoutSeconds = null,
    bool Dynamic = false);

/// <summary>An element: a key of one value a field, and for maps its data (values or a verdict).</summary>
public sealed record NftElement(EquatableArray<NftValue> Key, EquatableArray<NftValue> Data = default, NftVerdict? Verdict = null);

/// <summary>A chain; a base chain has a hook.</summary>
public sealed record NftChain(string Name, NftHook? Hook, EquatableArray<NftRule> Rules);

public enum NftHookPoint { Prerouting, Input, Forward, Output, Postrouting }

public enum NftChainType { Filter, Nat, Route }

/// <summary>Where a base chain is attached. Lower priorities run first (-300 raw, -100 dstnat, 0 filter, 100 srcnat).</summary>
public sealed record NftHook(NftChainType Type, NftHookPoint Point, int Priority, bool PolicyDrop = false);

/// <summary>
/// A rule: expressions from left to right; the first that does not match ends the rule. <see cref="Cause"/> names the API object and rule it
/// comes from (such as <c>NetworkPolicy default/allow-frontend ingress[0]</c>) and is carried as the rule's comment, at most 100 bytes.
/// </summary>
public sealed record NftRule(EquatableArray<NftExpression> Expressions, string Cause);
