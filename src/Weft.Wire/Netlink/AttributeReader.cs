using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Weft.Wire.Netlink;

/// <summary>
/// Reads attributes one after another. A value that is longer than asked for is fine, since the kernel may extend structures; one that is
/// shorter throws <see cref="NetlinkFormatException"/>.
/// </summary>
public ref struct AttributeReader(ReadOnlySpan<byte> attributes)
{
    private ReadOnlySpan<byte> _rest = attributes;

    /// <summary>The type without the NLA_F_NESTED and NLA_F_NET_BYTEORDER bits.</summary>
    public ushort Type { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Moves on to the next attribute; false at the end.</summary>
    public bool Read()
    {
        // Fewer bytes than a header are padding, as in the kernel's nla_ok().
        if (_rest.Length < NetlinkWriter.AttributeHeaderLength)
            return false;
        var length = MemoryMarshal.Read<ushort>(_rest);
        if (length < NetlinkWriter.AttributeHeaderLength || length > _rest.Length)
            throw new NetlinkFormatException($"nla_len {length} with {_rest.Length} bytes left");
        Type = (ushort)(MemoryMarshal.Read<ushort>(_rest[2..]) & AttributeBits.TypeMask);
        Value = _rest[NetlinkWriter.AttributeHeaderLength..length];
        _rest = _rest[Math.Min(NetlinkWriter.Align(length), _rest.Length)..];
        return true;
    }

    public readonly byte Byte() => Expect(1)[0];

    public readonly ushort UInt16BigEndian() => BinaryPrimitives.ReadUInt16BigEndian(Expect(2));

    public readonly uint UInt32() => MemoryMarshal.Read<uint>(Expect(4));

    public readonly int Int32() => MemoryMarshal.Read<int>(Expect(4));

    /// <summary>Text up to the terminating zero, or to the end where there is none.</summary>
    public readonly string Text()
    {
        var end = Value.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? Value : Value[..end]);
    }

    /// <summary>An address of 4 or 16 bytes, by the length of the value.</summary>
    public readonly IPAddress Address() => Value.Length is 4 or 16
        ? new IPAddress(Value)
        : throw new NetlinkFormatException($"attribute {Type}: an address of {Value.Length} bytes, 4 or 16 expected");

    /// <summary>An EUI-48 in the low 48 bits; null for hardware addresses of another length (loopback's tunnels, InfiniBand).</summary>
    public readonly ulong? Mac()
    {
        if (Value.Length != 6)
            return null;
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        Value.CopyTo(bytes[2..]);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    public readonly AttributeReader Nested() => new(Value);

    private readonly ReadOnlySpan<byte> Expect(int size) => Value.Length >= size
        ? Value
        : throw new NetlinkFormatException($"attribute {Type} of {Value.Length} bytes, at least {size} expected");
}
