using System.Buffers;
using System.Text.Json;

namespace Weft.Kernel.Nftables;

/// <summary>Lists a table of the fake as libnftables does (libnftables-json(5)), as far as read-back looks at it.</summary>
internal static class FakeNftJson
{
    internal static byte[] Write(string name, FakeNftTable table)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteStartArray("nftables");
        Object(json, "metainfo", () => json.WriteNumber("json_schema_version", 1));
        Object(json, "table", () => Names(json, null, name));
        foreach (var (setName, set) in table.Sets)
            Object(json, set.IsMap ? "map" : "set", () => Set(json, name, setName, set));
        foreach (var (chainName, chain) in table.Chains)
            Object(json, "chain", () => Chain(json, name, chainName, chain));
        var handle = 0;
        foreach (var (chainName, chain) in table.Chains)
        {
            foreach (var rule in chain.Rules)
            {
                Object(json, "rule", () =>
                {
                    json.WriteString("table", name);
                    json.WriteString("chain", chainName);
                    json.WriteNumber("handle", ++handle);
                    if (rule.Comment is not null)
                        json.WriteString("comment", rule.Comment);
                    json.WriteStartArray("expr");
                    json.WriteStringValue(rule.Body);
                    json.WriteEndArray();
                });
            }
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static void Set(Utf8JsonWriter json, string table, string name, FakeNftSet set)
    {
        Names(json, table, name);
        if (set.Key.Length == 1)
            json.WriteString("type", set.Key[0]);
        else
        {
            json.WriteStartArray("type");
            foreach (var type in set.Key)
                json.WriteStringValue(type);
            json.WriteEndArray();
        }
        if (set.IsMap)
            json.WriteString("map", string.Join(" . ", set.Data));
        if (set.Comment is not null)
            json.WriteString("comment", set.Comment);
        if (set.Dynamic)
        {
            json.WriteStartArray("flags");
            json.WriteStringValue("dynamic");
            json.WriteEndArray();
        }
        if (set.Elements.Count == 0)
            return;
        json.WriteStartArray("elem");
        foreach (var (key, data) in set.Elements)
        {
            if (set.IsMap)
                json.WriteStartArray();
            Value(json, key, set.Key);
            if (set.IsMap)
            {
                if (set.Data is ["verdict"])
                    Verdict(json, data);
                else
                    Value(json, data, set.Data);
                json.WriteEndArray();
            }
        }
        json.WriteEndArray();
    }

    private static void Verdict(Utf8JsonWriter json, string data)
    {
        var words = data.Split(' ');
        json.WriteStartObject();
        if (words.Length == 1)
            json.WriteNull(words[0]);
        else
        {
            json.WriteStartObject(words[0]);
            json.WriteString("target", words[1]);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Value(Utf8JsonWriter json, string text, string[] types)
    {
        if (types.Length == 1)
        {
            Field(json, text, types[0]);
            return;
        }
        var parts = text.Split(" . ");
        json.WriteStartObject();
        json.WriteStartArray("concat");
        for (var i = 0; i < parts.Length; i++)
            Field(json, parts[i], types[i]);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Field(Utf8JsonWriter json, string text, string type)
    {
        if (text.Split('/') is [var first, var length])
        {
            json.WriteStartObject();
            json.WriteStartObject("prefix");
            json.WriteString("addr", first);
            json.WriteNumber("len", int.Parse(length, System.Globalization.CultureInfo.InvariantCulture));
            json.WriteEndObject();
            json.WriteEndObject();
        }
        else if (type != "ifname" && text.Split('-') is [var low, var high])
        {
            json.WriteStartObject();
            json.WriteStartArray("range");
            Field(json, low, type);
            Field(json, high, type);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        else if (type is "ipv4_addr" or "ipv6_addr" or "ifname")
            json.WriteStringValue(text.Trim('"'));
        else
            json.WriteNumberValue((uint)FakeNftValues.Bounds(text, type).First);
    }

    private static void Chain(Utf8JsonWriter json, string table, string name, FakeNftChain chain)
    {
        Names(json, table, name);
        if (chain.Hook is not { } hook)
            return;
        json.WriteString("type", hook.Type);
        json.WriteString("hook", hook.Point);
        json.WriteNumber("prio", hook.Priority);
        json.WriteString("policy", hook.Policy);
    }

    private static void Names(Utf8JsonWriter json, string? table, string name)
    {
        json.WriteString("family", "inet");
        if (table is not null)
            json.WriteString("table", table);
        json.WriteString("name", name);
    }

    private static void Object(Utf8JsonWriter json, string kind, Action content)
    {
        json.WriteStartObject();
        json.WriteStartObject(kind);
        content();
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
