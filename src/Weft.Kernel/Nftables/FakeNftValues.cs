using System.Globalization;
using System.Net;
using Weft.Primitives;

namespace Weft.Kernel.Nftables;

/// <summary>Values of the fake's elements, by the names that nft has for their types.</summary>
internal static class FakeNftValues
{
    internal static string TypeOf(string field) => field switch
    {
        "ip saddr" or "ip daddr" or "ct original ip daddr" => "ipv4_addr",
        "ip6 saddr" or "ip6 daddr" or "ct original ip6 daddr" => "ipv6_addr",
        "meta l4proto" => "inet_proto",
        "th sport" or "th dport" or "tcp dport" or "udp dport" or "sctp dport" => "inet_service",
        "meta mark" => "mark",
        "iifname" or "oifname" => "ifname",
        _ when field.StartsWith("numgen ", StringComparison.Ordinal) || field.StartsWith("jhash ", StringComparison.Ordinal) => "integer",
        _ => throw new FakeNftException($"syntax error: '{field}' is no field"),
    };

    internal static void Check(string key, string[] types, bool interval)
    {
        var parts = key.Split(" . ");
        if (parts.Length != types.Length)
            throw new FakeNftException($"'{key}' has {parts.Length} fields, expected {types.Length}");
        for (var i = 0; i < parts.Length; i++)
        {
            var (first, last) = Bounds(parts[i], types[i]);
            if (!interval && first != last)
                throw new FakeNftException($"'{parts[i]}' is an interval, but the set is not one of intervals");
            if (first > last)
                throw new FakeNftException($"'{parts[i]}' ends before it begins");
        }
    }

    /// <summary>Whether two concatenations of intervals have a member in common. Their types are equal.</summary>
    internal static bool Overlap(string left, string right)
    {
        var (l, r) = (left.Split(" . "), right.Split(" . "));
        for (var i = 0; i < l.Length; i++)
        {
            var type = l[i].Contains('.') ? "ipv4_addr" : l[i].Contains(':') ? "ipv6_addr" : l[i].StartsWith('"') ? "ifname" : "integer";
            if (type == "ifname")
            {
                if (l[i] != r[i])
                    return false;
                continue;
            }
            var (a, b) = (Bounds(l[i], type), Bounds(r[i], type));
            if (a.Last < b.First || b.Last < a.First)
                return false;
        }
        return true;
    }

    internal static (UInt128 First, UInt128 Last) Bounds(string text, string type)
    {
        if (type is "ipv4_addr" or "ipv6_addr")
            return Addresses(text, type == "ipv6_addr");
        if (type == "ifname")
            return text.StartsWith('"') && text.Length is > 2 and < 18 ? (UInt128.Zero, UInt128.Zero) : throw Wrong(text, type);
        var most = type switch { "inet_proto" => byte.MaxValue, "inet_service" => ushort.MaxValue, _ => uint.MaxValue };
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        return dash < 0 ? (Number(text), Number(text)) : (Number(text[..dash]), Number(text[(dash + 1)..]));

        UInt128 Number(string word) => word switch
        {
            "icmp" => 1,
            "tcp" => 6,
            "udp" => 17,
            "icmpv6" => 58,
            "sctp" => 132,
            _ => uint.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most ? number : throw Wrong(text, type),
        };
    }

    private static (UInt128, UInt128) Addresses(string text, bool v6)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (dash >= 0)
            return (IpPrefix.ToBits(Address(text[..dash])), IpPrefix.ToBits(Address(text[(dash + 1)..])));
        if (!IpPrefix.TryParse(text, out var prefix) || prefix.IsIPv6 != v6)
            throw Wrong(text, v6 ? "ipv6_addr" : "ipv4_addr");
        return (IpPrefix.ToBits(prefix.First), IpPrefix.ToBits(prefix.Last));

        IPAddress Address(string word) => IPAddress.TryParse(word, out var address) ? address : throw Wrong(text, v6 ? "ipv6_addr" : "ipv4_addr");
    }

    private static FakeNftException Wrong(string text, string type) => new($"datatype mismatch: '{text}' is no {type}");
}
