using System.Buffers.Binary;
using Weft.Wire.Dns;

namespace Weft.Dns;

public enum DnsSection { Answer, Authority, Additional }

/// <summary>A record of an upstream server's response, its data free of compression so that it can stand in any message.</summary>
public sealed record UpstreamRecord(DnsSection Section, string Name, ushort Type, ushort Class, uint Ttl, byte[] Data);

/// <summary>What an upstream server said, taken apart: so what clients get has been read and written by us, whatever it sent.</summary>
/// <param name="LifetimeSeconds">How long it may be remembered; 0 for not at all.</param>
public sealed record UpstreamAnswer(DnsResponseCode Code, IReadOnlyList<UpstreamRecord> Records, uint LifetimeSeconds)
{
    private const uint MaxLifetime = 300;
    private const uint MaxNegativeLifetime = 30;

    /// <summary>Bytes that the records take, about: for bounding the memory of many.</summary>
    public int Size { get; } = Records.Sum(r => 64 + 2 * r.Name.Length + r.Data.Length);

    /// <summary>Reads a response to a question.</summary>
    /// <returns>Null when it answers something else: another id or question, or is no response.</returns>
    /// <exception cref="DnsFormatException">It is malformed.</exception>
    public static UpstreamAnswer? Parse(ReadOnlySpan<byte> message, ushort id, DnsQuestion question, out bool truncated)
    {
        truncated = false;
        var reader = new DnsReader(message);
        var header = reader.Header;
        if (!header.IsResponse || header.Id != id || header.Questions != 1)
            return null;
        Span<char> name = stackalloc char[DnsLimits.NameText];
        reader.ReadQuestion(name, out var length, out var type, out var @class, lower: true);
        if (type != question.Type || @class != 1 || !name[..length].SequenceEqual(question.Name))
            return null;
        truncated = header.IsTruncated;
        var records = new List<UpstreamRecord>();
        int[] counts = [header.Answers, header.Authorities, header.Additionals];
        try
        {
            for (var section = DnsSection.Answer; section <= DnsSection.Additional; section++)
                for (var i = 0; i < counts[(int)section]; i++)
                    if (Read(message, ref reader, section) is { } record)
                        records.Add(record);
        }
        catch (DnsFormatException) when (truncated)
        {
            // Some servers cut within a record; TCP will bring the rest.
        }
        return new UpstreamAnswer(header.Code, records, Lifetime(header.Code, records));
    }

    private static UpstreamRecord? Read(ReadOnlySpan<byte> message, ref DnsReader reader, DnsSection section)
    {
        var view = reader.ReadRecord();
        if (view.Type == DnsType.Opt)
            return null;
        Span<char> name = stackalloc char[DnsLimits.NameText];
        DnsNames.Read(message, view.NamePosition, name, out var length, lower: false);
        // RFC 2181 section 8: a TTL with the top bit set is zero.
        var ttl = view.Ttl > int.MaxValue ? 0 : view.Ttl;
        return new UpstreamRecord(section, name[..length].ToString(), view.Type, view.Class, ttl, Uncompress(message, view));
    }

    /// <summary>RFC 3597 section 4: only the types of RFC 1035 may have compressed names in their data; senders of SRV and DNAME do it too.</summary>
    private static byte[] Uncompress(ReadOnlySpan<byte> message, DnsRecordView view)
    {
        var (prefix, names) = view.Type switch
        {
            DnsType.Ns or DnsType.Cname or DnsType.Ptr or DnsType.Dname => (0, 1),
            DnsType.Mx => (2, 1),
            DnsType.Srv => (6, 1),
            DnsType.Soa => (0, 2),
            _ => (view.DataLength, 0),
        };
        var end = view.DataPosition + view.DataLength;
        if (prefix > view.DataLength)
            throw new DnsFormatException($"the data of the record at byte {view.NamePosition} is too short for its type");
        if (names == 0)
            return message.Slice(view.DataPosition, view.DataLength).ToArray();
        var buffer = new byte[DnsLimits.Header + view.DataLength + 2 * DnsLimits.Name];
        var writer = new DnsWriter(buffer, buffer.Length);
        Span<char> text = stackalloc char[DnsLimits.NameText];
        var position = view.DataPosition + prefix;
        for (var i = 0; i < names; i++)
        {
            position = DnsNames.Read(message, position, text, out var length, lower: false);
            writer.WriteName(text[..length], compress: false);
        }
        if (position > end)
            throw new DnsFormatException($"a name in the data of the record at byte {view.NamePosition} runs over its end");
        return [.. message.Slice(view.DataPosition, prefix), .. buffer.AsSpan(DnsLimits.Header, writer.Length - DnsLimits.Header), .. message[position..end]];
    }

    private static uint Lifetime(DnsResponseCode code, List<UpstreamRecord> records)
    {
        if (code == DnsResponseCode.NoError && records.Exists(r => r.Section == DnsSection.Answer))
            return Math.Min(MaxLifetime, records.Where(r => r.Section != DnsSection.Additional).Min(r => r.Ttl));
        if (code is not (DnsResponseCode.NoError or DnsResponseCode.NameError))
            return 0;
        // RFC 2308 section 5: without an SOA record a negative answer is not to be cached.
        var soa = records.Find(r => r.Section == DnsSection.Authority && r.Type == DnsType.Soa && r.Data.Length >= 22);
        return soa is null ? 0 : Math.Min(MaxNegativeLifetime, Math.Min(soa.Ttl, BinaryPrimitives.ReadUInt32BigEndian(soa.Data.AsSpan(soa.Data.Length - 4))));
    }
}
