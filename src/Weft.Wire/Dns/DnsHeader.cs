using System.Buffers.Binary;

namespace Weft.Wire.Dns;

/// <summary>The header of a message (RFC 1035 section 4.1.1): id, flags and how many records each section has.</summary>
public readonly record struct DnsHeader(ushort Id, ushort Flags, ushort Questions, ushort Answers, ushort Authorities, ushort Additionals)
{
    public const ushort Response = 0x8000;
    public const ushort Authoritative = 0x0400;
    public const ushort Truncated = 0x0200;
    public const ushort RecursionDesired = 0x0100;
    public const ushort RecursionAvailable = 0x0080;

    /// <summary>RFC 4035 section 3.2.2: checking disabled.</summary>
    public const ushort CheckingDisabled = 0x0010;

    public bool IsResponse => (Flags & Response) != 0;

    public bool IsTruncated => (Flags & Truncated) != 0;

    public int Opcode => (Flags >> 11) & 15;

    public DnsResponseCode Code => (DnsResponseCode)(Flags & 15);

    /// <exception cref="DnsFormatException">Shorter than a header.</exception>
    public static DnsHeader Read(ReadOnlySpan<byte> message) => message.Length < DnsLimits.Header
        ? throw new DnsFormatException($"a message of {message.Length} bytes is shorter than a header")
        : new DnsHeader(At(message, 0), At(message, 2), At(message, 4), At(message, 6), At(message, 8), At(message, 10));

    public void Write(Span<byte> message)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message, Id);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], Flags);
        BinaryPrimitives.WriteUInt16BigEndian(message[4..], Questions);
        BinaryPrimitives.WriteUInt16BigEndian(message[6..], Answers);
        BinaryPrimitives.WriteUInt16BigEndian(message[8..], Authorities);
        BinaryPrimitives.WriteUInt16BigEndian(message[10..], Additionals);
    }

    private static ushort At(ReadOnlySpan<byte> message, int offset) => BinaryPrimitives.ReadUInt16BigEndian(message[offset..]);
}
