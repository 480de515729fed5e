using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;

namespace Weft.Wire.Dns;

/// <summary>
/// Writes a message from front to back into a buffer, compressing names (RFC 1035 section 4.1.4). What does not fit is left out whole: each
/// method returns false and leaves the message as it was, so the caller decides whether to truncate.
/// </summary>
public ref struct DnsWriter
{
    private const int MaxKnownNames = 64;

    private readonly Span<byte> _buffer;
    private KnownNames _known;
    private int _knownCount;
    private int _limit;

    /// <param name="limit">Longest message, bytes; at least a header's.</param>
    public DnsWriter(Span<byte> buffer, int limit)
    {
        _buffer = buffer;
        _limit = Math.Min(limit, buffer.Length);
        Length = DnsLimits.Header;
    }

    public int Length { get; private set; }

    /// <summary>Sets bytes aside at the end (for the OPT record), or gives them back with a negative number.</summary>
    public void Reserve(int bytes) => _limit -= bytes;

    /// <summary>Copies a question as it came, so that the case of its letters is kept.</summary>
    public bool CopyQuestion(scoped ReadOnlySpan<byte> question)
    {
        var start = Length;
        if (!WriteBytes(question))
            return false;
        for (var label = 0; question[label] is > 0 and < 64; label += question[label] + 1)
            Remember(start + label);
        return true;
    }

    /// <exception cref="DnsFormatException">The name cannot be put on the wire.</exception>
    public bool WriteQuestion(scoped ReadOnlySpan<char> name, ushort type)
    {
        var start = Mark();
        return WriteName(name) && WriteUInt16(type) && WriteUInt16(1) || Rewind(start);
    }

    public bool WriteAddress(scoped ReadOnlySpan<char> name, uint ttl, IPAddress address)
    {
        var start = Mark();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return WriteRecordHead(name, length == 4 ? DnsType.A : DnsType.Aaaa, ttl) && WriteUInt16((ushort)length) && WriteBytes(bytes[..length]) || Rewind(start);
    }

    /// <summary>A record whose data is one name: CNAME, NS, PTR.</summary>
    public bool WriteNameRecord(scoped ReadOnlySpan<char> name, ushort type, uint ttl, scoped ReadOnlySpan<char> target)
    {
        var start = Mark();
        return WriteRecordHead(name, type, ttl) && BeginData(out var data) && WriteName(target) && EndData(data) || Rewind(start);
    }

    /// <summary>RFC 2782: its target is not compressed.</summary>
    public bool WriteService(scoped ReadOnlySpan<char> name, uint ttl, ushort priority, ushort weight, ushort port, scoped ReadOnlySpan<char> target)
    {
        var start = Mark();
        return WriteRecordHead(name, DnsType.Srv, ttl) && BeginData(out var data)
            && WriteUInt16(priority) && WriteUInt16(weight) && WriteUInt16(port) && WriteName(target, compress: false) && EndData(data) || Rewind(start);
    }

    /// <summary>A TXT record; text beyond 255 bytes goes on in further strings (RFC 1035 section 3.3.14).</summary>
    public bool WriteText(scoped ReadOnlySpan<char> name, uint ttl, string text)
    {
        var start = Mark();
        ReadOnlySpan<byte> bytes = System.Text.Encoding.UTF8.GetBytes(text);
        if (!WriteRecordHead(name, DnsType.Txt, ttl) || !BeginData(out var data))
            return Rewind(start);
        do
        {
            var chunk = bytes[..Math.Min(255, bytes.Length)];
            bytes = bytes[chunk.Length..];
            if (!WriteByte((byte)chunk.Length) || !WriteBytes(chunk))
                return Rewind(start);
        }
        while (!bytes.IsEmpty);
        return EndData(data) || Rewind(start);
    }

    /// <summary>RFC 1035 section 3.3.13; <paramref name="minimum"/> is how long absence may be remembered (RFC 2308 section 4). Seconds.</summary>
    public bool WriteSoa(scoped ReadOnlySpan<char> name, uint ttl, scoped ReadOnlySpan<char> server, scoped ReadOnlySpan<char> mailbox, uint serial, uint minimum)
    {
        var start = Mark();
        return WriteRecordHead(name, DnsType.Soa, ttl) && BeginData(out var data) && WriteName(server) && WriteName(mailbox)
            && WriteUInt32(serial) && WriteUInt32(7200) && WriteUInt32(1800) && WriteUInt32(86400) && WriteUInt32(minimum) && EndData(data) || Rewind(start);
    }

    /// <summary>A record whose data is copied as it is: it must hold no compressed names.</summary>
    public bool WriteRaw(scoped ReadOnlySpan<char> name, ushort type, ushort @class, uint ttl, scoped ReadOnlySpan<byte> data)
    {
        var start = Mark();
        return WriteName(name) && WriteUInt16(type) && WriteUInt16(@class) && WriteUInt32(ttl) && WriteUInt16((ushort)data.Length) && WriteBytes(data) || Rewind(start);
    }

    /// <summary>RFC 6891 section 6.1.</summary>
    public bool WriteOpt(DnsEdns edns) => WriteRaw(
        "", DnsType.Opt, (ushort)edns.PayloadSize, (uint)edns.ExtendedCode << 24 | (uint)edns.Version << 16 | (edns.DnssecOk ? 0x8000u : 0), []);

    public const int OptLength = 11;

    public readonly void WriteHeader(DnsHeader header) => header.Write(_buffer);

    /// <exception cref="DnsFormatException">A label is empty, too long or badly escaped, or the name is too long.</exception>
    public bool WriteName(scoped ReadOnlySpan<char> name, bool compress = true)
    {
        Span<byte> label = stackalloc byte[DnsLimits.Label];
        var wireLength = 1;
        var start = Mark();
        while (!name.IsEmpty)
        {
            if (compress && Find(name) is var known && known >= 0)
                return WriteUInt16((ushort)(0xc000 | known)) || Rewind(start);
            var whole = name;
            var length = DnsNames.TakeLabel(ref name, label);
            wireLength += length + 1;
            if (length < 0 || wireLength > DnsLimits.Name)
                throw new DnsFormatException($"'{whole}' is no domain name: a label is empty, longer than 63 bytes or badly escaped, or the name is longer than 255 bytes");
            Remember(Length);
            if (!WriteByte((byte)length) || !WriteBytes(label[..length]))
                return Rewind(start);
        }
        return WriteByte(0) || Rewind(start);
    }

    private readonly (int Length, int Known) Mark() => (Length, _knownCount);

    private bool Rewind((int Length, int Known) mark)
    {
        (Length, _knownCount) = mark;
        return false;
    }

    private bool WriteRecordHead(scoped ReadOnlySpan<char> name, ushort type, uint ttl) => WriteName(name) && WriteUInt16(type) && WriteUInt16(1) && WriteUInt32(ttl);

    private bool BeginData(out int position)
    {
        position = Length;
        return WriteUInt16(0);
    }

    private readonly bool EndData(int position)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[position..], (ushort)(Length - position - 2));
        return true;
    }

    private bool WriteByte(byte value)
    {
        if (_limit - Length < 1)
            return false;
        _buffer[Length++] = value;
        return true;
    }

    private bool WriteUInt16(ushort value)
    {
        if (_limit - Length < 2)
            return false;
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[Length..], value);
        Length += 2;
        return true;
    }

    private bool WriteUInt32(uint value) => WriteUInt16((ushort)(value >> 16)) && WriteUInt16((ushort)value);

    private bool WriteBytes(scoped ReadOnlySpan<byte> bytes)
    {
        if (_limit - Length < bytes.Length)
            return false;
        bytes.CopyTo(_buffer[Length..]);
        Length += bytes.Length;
        return true;
    }

    // Pointers have 14 bits.
    private void Remember(int position)
    {
        if (_knownCount < MaxKnownNames && position < 0x4000)
            _known[_knownCount++] = (ushort)position;
    }

    private readonly int Find(scoped ReadOnlySpan<char> name)
    {
        for (var i = 0; i < _knownCount; i++)
            if (IsAt(name, _known[i]))
                return _known[i];
        return -1;
    }

    private readonly bool IsAt(scoped ReadOnlySpan<char> name, int position)
    {
        Span<byte> label = stackalloc byte[DnsLimits.Label];
        while (!name.IsEmpty)
        {
            position = Follow(position);
            // The name being written ends here for now; it is not a suffix of itself.
            if (position >= Length)
                return false;
            int size = _buffer[position];
            // The first character decides most comparisons.
            if (size == 0 || name[0] != '\\' && (_buffer[position + 1] | 0x20) != (name[0] | 0x20))
                return false;
            var length = DnsNames.TakeLabel(ref name, label);
            if (length != size || !System.Text.Ascii.EqualsIgnoreCase(label[..length], _buffer.Slice(position + 1, size)))
                return false;
            position += size + 1;
        }
        position = Follow(position);
        return position < Length && _buffer[position] == 0;
    }

    private readonly int Follow(int position)
    {
        while (position < Length && _buffer[position] >= 0xc0)
            position = BinaryPrimitives.ReadUInt16BigEndian(_buffer[position..]) & 0x3fff;
        return position;
    }

    [InlineArray(MaxKnownNames)]
    private struct KnownNames
    {
        private ushort _first;
    }
}
