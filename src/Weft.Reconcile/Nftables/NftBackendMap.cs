using System.Globalization;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Reconcile.Nftables;

/// <summary>
/// Maps from an index to address and port, which libnftables wants apart for each transport protocol. An index has no named type, so such a
/// map is declared with <c>typeof</c>, for its data too; and when a rule is added to a map that the kernel already has, libnftables evaluates
/// the data's <c>typeof</c> as a part of the rule (1.0.6 to 1.0.9, evaluate.c, stmt_evaluate_nat_map). <c>th dport</c> is refused there, and
/// <c>tcp dport</c> silently narrows the rule to TCP. So one map of the model is one of nft a protocol, and a dnat one rule a protocol.
/// </summary>
internal static class NftBackendMap
{
    internal static readonly string[] Protocols = ["tcp", "udp", "sctp"];

    internal static string PartName(string map, string protocol) => $"{map}-{protocol}";

    /// <summary>The maps of nft that a set of the model becomes: itself, unless it leads from an index to a port.</summary>
    internal static IEnumerable<NftSet> Split(NftSet set)
    {
        if (!IsIndexed(set))
            return [set];
        var field = set.Key.AsSpan().IndexOf(NftType.InetProto);
        if (field < 0)
            throw new ArgumentException($"set {set.Name}: a map from an index to a port needs the protocol in its key");
        var parts = set.Elements.ToLookup(element => element.Key[field]);
        var known = Protocols.Select(protocol => (NftValue)new NftProtocol(Number(protocol))).ToList();
        if (parts.Select(part => part.Key).FirstOrDefault(key => !known.Contains(key)) is { } other)
            throw new ArgumentException($"set {set.Name}: {other} is none of the protocols that have ports, which are {string.Join(", ", Protocols)}");
        return Protocols.Select((protocol, i) => set with { Name = PartName(set.Name, protocol), Elements = parts[known[i]].ToEquatableArray() });
    }

    /// <summary>What stands for the port in the <c>typeof</c> of a part.</summary>
    internal static string PortExpression(string part) => $"{part[(part.LastIndexOf('-') + 1)..]} dport";

    private static bool IsIndexed(NftSet set) =>
        set.Key.AsSpan().Contains(NftType.Numgen) && set.Data.AsSpan().Contains(NftType.InetService);

    private static byte Number(string protocol) => protocol switch
    {
        "tcp" => (byte)Protocol.Tcp,
        "udp" => (byte)Protocol.Udp,
        "sctp" => (byte)Protocol.Sctp,
        _ => throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"no number for protocol {protocol}")),
    };
}
