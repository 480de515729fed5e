using System.Buffers.Binary;

namespace Weft.Wire.Dns;

/// <summary>A resource record's fixed fields, and where in the message its name and data lie (RFC 1035 section 4.1.3).</summary>
public readonly record struct DnsRecordView(int NamePosition, ushort Type, ushort Class, uint Ttl, int DataPosition, int DataLength);

/// <summary>
/// Reads a message from front to back without allocating. Work is bounded by the message's length: each record takes at least eleven bytes,
/// whatever the header's counts say.
/// </summary>
public ref struct DnsReader
{
    private readonly ReadOnlySpan<byte> _message;

    /// <exception cref="DnsFormatException">Shorter than a header.</exception>
    public DnsReader(ReadOnlySpan<byte> message)
    {
        _message = message;
        Header = DnsHeader.Read(message);
        Position = DnsLimits.Header;
    }

    public DnsHeader Header { get; }

    public int Position { get; private set; }

    /// <summary>Reads a question: its name as text, type and class (RFC 1035 section 4.1.2).</summary>
    /// <exception cref="DnsFormatException">The message is malformed here.</exception>
    public void ReadQuestion(scoped Span<char> name, out int nameLength, out ushort type, out ushort @class, bool lower)
    {
        Position = DnsNames.Read(_message, Position, name, out nameLength, lower);
        type = ReadUInt16();
        @class = ReadUInt16();
    }

    /// <exception cref="DnsFormatException">The message is malformed here.</exception>
    public DnsRecordView ReadRecord()
    {
        var name = Position;
        Position = DnsNames.Skip(_message, Position);
        var type = ReadUInt16();
        var @class = ReadUInt16();
        var ttl = (uint)ReadUInt16() << 16 | ReadUInt16();
        var length = ReadUInt16();
        if (length > _message.Length - Position)
            throw new DnsFormatException($"the data of the record at byte {name} has {length} bytes, of which the message holds {_message.Length - Position}");
        var data = Position;
        Position += length;
        return new DnsRecordView(name, type, @class, ttl, data, length);
    }

    private ushort ReadUInt16()
    {
        if (_message.Length - Position < 2)
            throw new DnsFormatException($"the message ends at byte {_message.Length} within a record");
        var value = BinaryPrimitives.ReadUInt16BigEndian(_message[Position..]);
        Position += 2;
        return value;
    }
}
