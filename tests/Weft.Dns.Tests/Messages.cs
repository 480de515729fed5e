using System.Globalization;
using System.Net;
using System.Text;
using Weft.Wire.Dns;

namespace Weft.Dns.Tests;

/// <summary>Queries out of, and responses into, text that reads like dig's.</summary>
internal static class Messages
{
    private static readonly Dictionary<string, ushort> Types = new()
    {
        ["A"] = DnsType.A, ["AAAA"] = DnsType.Aaaa, ["SRV"] = DnsType.Srv, ["PTR"] = DnsType.Ptr, ["CNAME"] = DnsType.Cname, ["NS"] = DnsType.Ns,
        ["SOA"] = DnsType.Soa, ["TXT"] = DnsType.Txt, ["MX"] = DnsType.Mx, ["ANY"] = DnsType.Any, ["AXFR"] = DnsType.Axfr, ["OPT"] = DnsType.Opt,
    };

    public static ushort TypeOf(string name) => Types[name];

    public static byte[] Query(string name, string type, DnsEdns? edns = null, ushort id = 0x1234, ushort flags = DnsHeader.RecursionDesired)
    {
        var buffer = new byte[600];
        var writer = new DnsWriter(buffer, buffer.Length);
        writer.WriteQuestion(name, Types[type]);
        if (edns is { } opt)
            writer.WriteOpt(opt);
        writer.WriteHeader(new DnsHeader(id, flags, 1, 0, 0, (ushort)(edns is null ? 0 : 1)));
        return buffer[..writer.Length];
    }

    /// <summary>Flags and code, then one line a record: section, name, TTL, type, data.</summary>
    public static (string Flags, DnsResponseCode Code, List<string> Records) Read(ReadOnlySpan<byte> message)
    {
        var reader = new DnsReader(message);
        var h = reader.Header;
        var text = new char[DnsLimits.NameText];
        for (var i = 0; i < h.Questions; i++)
            reader.ReadQuestion(text, out _, out _, out _, lower: false);
        var lines = new List<string>();
        int[] counts = [h.Answers, h.Authorities, h.Additionals];
        for (var section = 0; section < 3; section++)
            for (var i = 0; i < counts[section]; i++)
            {
                var record = reader.ReadRecord();
                DnsNames.Read(message, record.NamePosition, text, out var length, lower: false);
                var name = new string(text, 0, length);
                lines.Add(record.Type == DnsType.Opt
                    ? $"{"?!+"[section]} OPT {DnsEdns.From(record)}"
                    : $"{" !+"[section]} {name} {record.Ttl} {Types.First(t => t.Value == record.Type).Key} {Data(message, record)}".TrimStart());
            }
        Assert.Equal(message.Length, reader.Position);
        var flags = (h.IsResponse ? "qr " : "") + ((h.Flags & DnsHeader.Authoritative) != 0 ? "aa " : "") + (h.IsTruncated ? "tc " : "")
            + ((h.Flags & DnsHeader.RecursionDesired) != 0 ? "rd " : "") + ((h.Flags & DnsHeader.RecursionAvailable) != 0 ? "ra " : "");
        return (flags.Trim(), h.Code, lines);
    }

    private static string Data(ReadOnlySpan<byte> message, DnsRecordView record)
    {
        var data = message.Slice(record.DataPosition, record.DataLength);
        return record.Type switch
        {
            DnsType.A or DnsType.Aaaa => new IPAddress(data).ToString(),
            DnsType.Txt => $"\"{Encoding.UTF8.GetString(data[1..])}\"",
            DnsType.Srv => string.Create(CultureInfo.InvariantCulture, $"{data[0] << 8 | data[1]} {data[2] << 8 | data[3]} {data[4] << 8 | data[5]} {Name(message, record.DataPosition + 6)}"),
            DnsType.Mx => string.Create(CultureInfo.InvariantCulture, $"{data[0] << 8 | data[1]} {Name(message, record.DataPosition + 2)}"),
            DnsType.Soa => Name(message, record.DataPosition),
            _ => Name(message, record.DataPosition),
        };
    }

    private static string Name(ReadOnlySpan<byte> message, int position)
    {
        var text = new char[DnsLimits.NameText];
        DnsNames.Read(message, position, text, out var length, lower: false);
        return new string(text, 0, length);
    }
}
