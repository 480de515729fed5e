using Weft.Wire.Dns;

namespace Weft.Dns;

/// <summary>The one question of a query that upstream servers are to answer.</summary>
/// <param name="Name">In lower case, as <see cref="DnsNames"/> writes text.</param>
/// <param name="DnssecOk">The client wants signatures (RFC 3225), so they are asked for and cached apart.</param>
public readonly record struct DnsQuestion(string Name, ushort Type, bool DnssecOk, bool CheckingDisabled);

/// <summary>What is to become of a query.</summary>
public enum DnsVerdict
{
    /// <summary>It deserves no answer: it is itself an answer, or too short to have an id.</summary>
    Drop,

    /// <summary>The response is in the buffer.</summary>
    Reply,

    /// <summary>Upstream servers know; <see cref="DnsResolver.Complete"/> makes the response of what they say.</summary>
    Forward,
}

/// <param name="Length">Of the response, bytes, when the verdict is Reply.</param>
/// <param name="Question">What to ask upstream, when the verdict is Forward: the query's own name, or that which an alias here leads to.</param>
public readonly record struct DnsOutcome(DnsVerdict Verdict, int Length = 0, DnsQuestion Question = default);

/// <summary>A query's parts that the response needs again.</summary>
internal ref struct ParsedQuery
{
    public DnsHeader Header;
    public ReadOnlySpan<byte> QuestionBytes;
    public ReadOnlySpan<char> Name;
    public ushort Type;
    public ushort Class;
    public DnsEdns? Edns;
    public bool DuplicateOpt;

    /// <summary>Longest response that the client takes, bytes.</summary>
    public readonly int Limit(bool tcp) => tcp
        ? DnsLimits.Tcp
        : Edns is { } edns ? Math.Clamp(edns.PayloadSize, DnsLimits.PlainUdp, DnsLimits.UnfragmentedUdp) : DnsLimits.PlainUdp;

    /// <exception cref="DnsFormatException">The query is malformed.</exception>
    public static ParsedQuery Parse(ReadOnlySpan<byte> message, Span<char> nameBuffer)
    {
        var reader = new DnsReader(message);
        var query = new ParsedQuery { Header = reader.Header };
        if (reader.Header.Questions != 1)
            throw new DnsFormatException($"a query has one question, not {reader.Header.Questions}");
        var start = reader.Position;
        for (var label = start; label < message.Length && message[label] != 0; label += message[label] + 1)
            if (message[label] >= 64)
                // There is nothing before it that a pointer could sensibly lead to.
                throw new DnsFormatException("the question's name is compressed");
        reader.ReadQuestion(nameBuffer, out var length, out query.Type, out query.Class, lower: true);
        query.Name = nameBuffer[..length];
        query.QuestionBytes = message[start..reader.Position];
        for (var i = reader.Header.Answers + reader.Header.Authorities + reader.Header.Additionals; i > 0; i--)
        {
            var record = reader.ReadRecord();
            if (record.Type != DnsType.Opt)
                continue;
            query.DuplicateOpt |= query.Edns is not null;
            query.Edns = DnsEdns.From(record);
        }
        return query;
    }
}
