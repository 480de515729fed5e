using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Reconcile.Nftables;

/// <summary>Reads a table that the kernel holds (libnftables-json(5)) into the form that desired state is compared in.</summary>
internal static class NftReadBack
{
    /// <exception cref="FormatException">The JSON is not a listing of the table; the message names what was found.</exception>
    internal static NftImage Read(byte[] json, string table)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Read(document.RootElement.GetProperty("nftables"), table);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new FormatException($"table inet {table} cannot be read back: {e.Message}", e);
        }
    }

    private static NftImage Read(JsonElement items, string table)
    {
        var sets = new Dictionary<string, NftSetImage>(StringComparer.Ordinal);
        var hooks = new Dictionary<string, NftHook?>(StringComparer.Ordinal);
        var rules = new Dictionary<string, List<NftRuleText>>(StringComparer.Ordinal);
        foreach (var item in items.EnumerateArray())
        {
            if (item.TryGetProperty("set", out var set))
                sets.Add(Text(set, "name"), Set(set, isMap: false));
            else if (item.TryGetProperty("map", out var map))
                sets.Add(Text(map, "name"), Set(map, isMap: true));
            else if (item.TryGetProperty("chain", out var chain))
                hooks.Add(Text(chain, "name"), Hook(chain));
            else if (item.TryGetProperty("rule", out var rule))
            {
                var name = Text(rule, "chain");
                if (!rules.TryGetValue(name, out var list))
                    rules.Add(name, list = []);
                list.Add(Rule(rule));
            }
            else if (!item.TryGetProperty("metainfo", out _) && !item.TryGetProperty("table", out _))
                throw new FormatException($"it holds an object of an unexpected kind: {Shorten(item.GetRawText())}");
        }
        return new NftImage(
            table,
            sets,
            hooks.ToDictionary(pair => pair.Key, pair => new NftChainImage(pair.Value, rules.GetValueOrDefault(pair.Key) ?? []), StringComparer.Ordinal));
    }

    private static NftSetImage Set(JsonElement set, bool isMap)
    {
        var dynamic = false;
        if (set.TryGetProperty("flags", out var flags))
        {
            // Either a list or a lone word, as libnftables' versions have it; 1.0.6 leaves "dynamic" out.
            foreach (var flag in flags.ValueKind == JsonValueKind.Array ? flags.EnumerateArray().ToArray() : [flags])
                dynamic |= flag.ValueEquals("dynamic") || flag.ValueEquals("timeout");
        }
        var keyTypes = Types(set.GetProperty("type"));
        var dataTypes = isMap ? Types(set.GetProperty("map")) : [];
        var elements = new Dictionary<string, string>(StringComparer.Ordinal);
        if (set.TryGetProperty("elem", out var list))
        {
            elements.EnsureCapacity(list.GetArrayLength());
            foreach (var element in list.EnumerateArray())
            {
                var (key, data) = isMap ? (element[0], Data(element[1], dataTypes)) : (element, "");
                elements[Concatenation(key, keyTypes)] = data;
            }
        }
        return new NftSetImage(isMap, set.TryGetProperty("comment", out var comment) ? comment.GetString()! : "", dynamic, elements);
    }

    // A lone word, a list, or for a map's data one string with dots.
    private static string[] Types(JsonElement types) => types.ValueKind == JsonValueKind.Array
        ? [.. types.EnumerateArray().Select(type => type.GetString()!)]
        : types.GetString()!.Split(" . ");

    private static string Data(JsonElement data, string[] types)
    {
        if (types is not ["verdict"])
            return Concatenation(data, types);
        foreach (var verdict in data.EnumerateObject())
            return verdict.Name is "jump" or "goto" ? $"{verdict.Name} {Text(verdict.Value, "target")}" : verdict.Name;
        throw new FormatException("a verdict map holds an element without a verdict");
    }

    private static string Concatenation(JsonElement value, string[] types)
    {
        while (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("elem", out var wrapped))
            value = wrapped.GetProperty("val");
        var text = new StringBuilder(48);
        if (types.Length == 1)
        {
            NftSyntax.Append(text, Value(value, types[0]));
            return text.ToString();
        }
        var parts = value.GetProperty("concat");
        if (parts.GetArrayLength() != types.Length)
            throw new FormatException($"an element has not the {types.Length} fields of its set: {Shorten(value.GetRawText())}");
        for (var i = 0; i < types.Length; i++)
        {
            if (i > 0)
                text.Append(" . ");
            NftSyntax.Append(text, Value(parts[i], types[i]));
        }
        return text.ToString();
    }

    private static NftValue Value(JsonElement value, string type)
    {
        if (value.ValueKind != JsonValueKind.Object)
            return type switch
            {
                "ipv4_addr" or "ipv6_addr" => new NftAddress(IPAddress.Parse(value.GetString()!)),
                "inet_proto" => new NftProtocol((byte)Number(value)),
                "ifname" => new NftText(value.GetString()!),
                _ => new NftNumber(Number(value)),
            };
        if (value.TryGetProperty("prefix", out var prefix))
        {
            var (first, length) = (prefix.GetProperty("addr"), prefix.GetProperty("len").GetInt32());
            if (type is "ipv4_addr" or "ipv6_addr")
                return new NftPrefix(new IpPrefix(IPAddress.Parse(first.GetString()!), length));
            // A range of numbers whose size is a power of two comes as a prefix too (range_expr_to_prefix).
            return new NftRange(Number(first), Number(first) + (1L << (Bits(type) - length)) - 1);
        }
        if (!value.TryGetProperty("range", out var range))
            throw new FormatException($"a set holds {Shorten(value.GetRawText())}");
        return type is "ipv4_addr" or "ipv6_addr"
            ? new NftAddressRange(IPAddress.Parse(range[0].GetString()!), IPAddress.Parse(range[1].GetString()!))
            : new NftRange(Number(range[0]), Number(range[1]));
    }

    // Protocols come by name where libnftables is not told, or does not heed, to print numbers.
    private static long Number(JsonElement value) => value.ValueKind == JsonValueKind.Number
        ? value.GetInt64()
        : value.GetString() switch
        {
            "icmp" => 1,
            "tcp" => 6,
            "udp" => 17,
            "ipv6-icmp" or "icmpv6" => 58,
            "sctp" => 132,
            var word => long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number
                : throw new FormatException($"a set holds '{word}' where a number was expected"),
        };

    private static int Bits(string type) => type switch
    {
        "inet_proto" => 8,
        "inet_service" => 16,
        _ => 32,
    };

    private static NftHook? Hook(JsonElement chain)
    {
        if (!chain.TryGetProperty("hook", out var hook))
            return null;
        var type = Text(chain, "type") switch
        {
            "filter" => NftChainType.Filter,
            "nat" => NftChainType.Nat,
            "route" => NftChainType.Route,
            var other => throw new FormatException($"chain {Text(chain, "name")} has type {other}"),
        };
        var point = hook.GetString() switch
        {
            "prerouting" => NftHookPoint.Prerouting,
            "input" => NftHookPoint.Input,
            "forward" => NftHookPoint.Forward,
            "output" => NftHookPoint.Output,
            "postrouting" => NftHookPoint.Postrouting,
            var other => throw new FormatException($"chain {Text(chain, "name")} has hook {other}"),
        };
        return new NftHook(type, point, chain.GetProperty("prio").GetInt32(), chain.TryGetProperty("policy", out var policy) && policy.ValueEquals("drop"));
    }

    // A rule without our comment is somebody else's: its handle and expressions stand in for the comment, which no desired rule equals.
    private static NftRuleText Rule(JsonElement rule) =>
        rule.TryGetProperty("comment", out var comment)
            ? new NftRuleText("", comment.GetString()!)
            : new NftRuleText("", $"handle {rule.GetProperty("handle").GetInt64()}: {Shorten(rule.GetProperty("expr").GetRawText())}");

    private static string Text(JsonElement element, string property) =>
        element.GetProperty(property).GetString() ?? throw new FormatException($"{property} is null in {Shorten(element.GetRawText())}");

    private static string Shorten(string text) => text.Length <= 120 ? text : $"{text[..120]}...";
}
