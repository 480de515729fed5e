using System.Globalization;
using System.Net;
using System.Text;
using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Reconcile.Nftables;

/// <summary>Words of the nft language (nft(8)) for values, fields, types and verdicts, in the one form that read-back is compared in.</summary>
internal static class NftSyntax
{
    // Names that the scanner (nftables/src/scanner.l) takes for keywords wherever they stand, found by
    // trying each with 1.0.6, and what later versions added: as a name of ours they are a syntax error.
    private static readonly HashSet<string> Keywords =
    [
        "accept", "add", "ah", "all", "arp", "auto-merge", "bridge", "cgroup", "chain", "comment", "comp", "constant", "continue",
        "counter", "cpu", "create", "ct", "day", "dccp", "define", "delete", "describe", "destroy", "device", "devices", "dnat",
        "drop", "dst", "dup", "dynamic", "ecn", "element", "elements", "eq", "esp", "ether", "exists", "expires", "export",
        "exthdr", "fib", "flags", "flow", "flowtable", "flush", "frag", "fwd", "gc-interval", "ge", "geneve", "get", "goto",
        "gre", "gretap", "gt", "handle", "hbh", "hook", "hour", "ibriport", "ibrname", "icmp", "icmpv6", "igmp", "iif",
        "iifgroup", "iifname", "iiftype", "import", "include", "index", "inet", "insert", "interval", "ip", "ip6", "ipsec",
        "jhash", "jump", "last", "le", "limit", "list", "ll", "log", "lt", "map", "mark", "masquerade", "meta", "meter", "mh",
        "missing", "monitor", "ne", "netdev", "nftrace", "nh", "notrack", "numgen", "obriport", "obrname", "offload", "oif",
        "oifgroup", "oifname", "oiftype", "osf", "pkttype", "policy", "position", "priority", "queue", "quota", "random",
        "redefine", "redirect", "reject", "rename", "replace", "reset", "return", "rt", "rt0", "rt2", "rtclassid", "rule",
        "ruleset", "sctp", "secmark", "set", "size", "skgid", "skuid", "snat", "socket", "srh", "symhash", "synproxy", "table",
        "tcp", "th", "time", "timeout", "tproxy", "type", "typeof", "udp", "udplite", "undefine", "update", "vlan", "vmap",
        "vxlan", "xor", "xt",
    ];

    /// <exception cref="ArgumentException">nft cannot take it as a name.</exception>
    internal static string Name(string what, string name)
    {
        if (name.Length is 0 or > 128 || !char.IsAsciiLetter(name[0]))
            throw new ArgumentException($"{what} name '{name}' is not 1 to 128 characters that start with a letter");
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.' or '/'))
                throw new ArgumentException($"{what} name '{name}' holds '{c}'; nft names are letters, digits and _ - . /");
        }
        return Keywords.Contains(name) ? throw new ArgumentException($"{what} name '{name}' is a keyword of nft; choose another") : name;
    }

    internal static void Append(StringBuilder text, NftValue value)
    {
        switch (value)
        {
            case NftAddress { Address: var address }:
                text.Append(address);
                break;
            case NftPrefix { Prefix: var prefix }:
                AppendRange(text, prefix.First, prefix.Last);
                break;
            case NftAddressRange { First: var first, Last: var last }:
                AppendRange(text, first, last);
                break;
            case NftProtocol { Number: var number }:
                text.Append(Protocol(number));
                break;
            case NftNumber { Number: var number }:
                text.Append(CultureInfo.InvariantCulture, $"{number}");
                break;
            case NftRange { First: var first, Last: var last }:
                text.Append(CultureInfo.InvariantCulture, $"{first}");
                if (first != last)
                    text.Append(CultureInfo.InvariantCulture, $"-{last}");
                break;
            case NftText { Text: var word }:
                text.Append('"').Append(word).Append('"');
                break;
            default:
                throw new ArgumentException($"no nft text for a value of type {value.GetType().Name}");
        }
    }

    internal static string Concatenation(EquatableArray<NftValue> values)
    {
        var text = new StringBuilder(48);
        for (var i = 0; i < values.Count; i++)
        {
            if (i > 0)
                text.Append(" . ");
            Append(text, values[i]);
        }
        return text.ToString();
    }

    // The kernel keeps intervals as bounds, and libnftables prints bounds that make a prefix as a prefix.
    private static void AppendRange(StringBuilder text, IPAddress first, IPAddress last)
    {
        text.Append(first);
        var (low, high) = (IpPrefix.ToBits(first), IpPrefix.ToBits(last));
        if (low == high)
            return;
        var size = high - low + 1;
        var bits = first.GetAddressBytes().Length * 8;
        if (size == 0)
            text.Append("/0");
        else if (UInt128.IsPow2(size) && (low & (size - 1)) == 0)
            text.Append(CultureInfo.InvariantCulture, $"/{bits - (int)UInt128.Log2(size)}");
        else
            text.Append('-').Append(last);
    }

    /// <summary>Names that are keywords of nft, which hence need no /etc/protocols; numbers for the rest.</summary>
    internal static string Protocol(byte number) => number switch
    {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        58 => "icmpv6",
        132 => "sctp",
        _ => number.ToString(CultureInfo.InvariantCulture),
    };

    internal static string Field(NftField field) => field switch
    {
        NftField.Ipv4Source => "ip saddr",
        NftField.Ipv4Destination => "ip daddr",
        NftField.Ipv6Source => "ip6 saddr",
        NftField.Ipv6Destination => "ip6 daddr",
        NftField.Protocol => "meta l4proto",
        NftField.SourcePort => "th sport",
        NftField.DestinationPort => "th dport",
        NftField.Mark => "meta mark",
        NftField.InputInterface => "iifname",
        NftField.OutputInterface => "oifname",
        NftField.OriginalIpv4Destination => "ct original ip daddr",
        NftField.OriginalIpv6Destination => "ct original ip6 daddr",
        _ => throw new ArgumentException($"no nft text for field {field}"),
    };

    internal static string Fields(EquatableArray<NftField> fields) => string.Join(" . ", fields.Select(Field));

    internal static string Type(NftType type) => type switch
    {
        NftType.Ipv4Address => "ipv4_addr",
        NftType.Ipv6Address => "ipv6_addr",
        NftType.InetProto => "inet_proto",
        NftType.InetService => "inet_service",
        NftType.Mark => "mark",
        NftType.InterfaceName => "ifname",
        NftType.Verdict => "verdict",
        _ => throw new ArgumentException($"type {type} has no name of its own in nft"),
    };

    /// <summary>An expression of the type, for <c>typeof</c>: numgen yields a bare integer, which <c>type</c> cannot name.</summary>
    internal static string TypeOf(NftType type) => type switch
    {
        NftType.Ipv4Address => "ip daddr",
        NftType.Ipv6Address => "ip6 daddr",
        NftType.InetProto => "meta l4proto",
        NftType.InetService => "th dport",
        NftType.Mark => "meta mark",
        NftType.InterfaceName => "iifname",
        NftType.Numgen => "numgen random mod 2",
        NftType.Verdict => "verdict",
        _ => throw new ArgumentException($"no nft expression has type {type}"),
    };

    /// <exception cref="ArgumentException">A reject: a chain may end in one, but neither a map's element nor a lookup can hold it.</exception>
    internal static string Verdict(NftVerdict verdict) => verdict.Kind switch
    {
        NftVerdictKind.Accept => "accept",
        NftVerdictKind.Drop => "drop",
        NftVerdictKind.Return => "return",
        NftVerdictKind.Jump => $"jump {Name("chain", verdict.Chain ?? "")}",
        NftVerdictKind.Goto => $"goto {Name("chain", verdict.Chain ?? "")}",
        _ => throw new ArgumentException($"{verdict.Kind} cannot be the verdict of a map element; let the element go to a chain that rejects"),
    };

    /// <summary>An element's key and, for maps, its data: the form in which elements are told apart and compared.</summary>
    internal static (string Key, string Data) Element(NftElement element) =>
        (Concatenation(element.Key), element.Verdict is { } verdict ? Verdict(verdict) : element.Data.IsEmpty ? "" : Concatenation(element.Data));

    /// <summary>32 bits of FNV-1a, folded from 64 (draft-eastlake-fnv section 3).</summary>
    internal static string Hash(string text)
    {
        var hash = 14695981039346656037UL;
        foreach (var c in text)
            hash = (hash ^ c) * 1099511628211UL;
        return ((uint)(hash ^ (hash >> 32))).ToString("x8", CultureInfo.InvariantCulture);
    }
}
