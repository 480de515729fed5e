using System.Buffers.Binary;

namespace Weft.KubeApi.Protobuf;

/// <summary>Reads the protobuf wire format (protobuf.dev, "Encoding"): fields of a message one after another.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Value of the current field when it is a number; doubles as their bits.</summary>
    public ulong Number { get; private set; }

    /// <summary>Value of the current field when it has a length.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Goes to the next field; false at the end of the message.</summary>
    /// <exception cref="FormatException">The message is cut off or has a group, which proto3 dropped.</exception>
    public bool Next()
    {
        if (_rest.IsEmpty)
            return false;
        var tag = Varint();
        Field = (int)(tag >> 3);
        Bytes = default;
        Number = 0;
        switch (tag & 7)
        {
            case 0:
                Number = Varint();
                break;
            case 1:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                var length = Varint();
                Bytes = length <= (ulong)_rest.Length ? Take((int)length) : throw CutOff();
                break;
            case 5:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw new FormatException($"protobuf: field {Field} has wire type {tag & 7}");
        }
        return true;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = Take(1)[0];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }
        throw new FormatException("protobuf: a number is longer than 64 bits");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
            throw CutOff();
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private static FormatException CutOff() => new("protobuf: the message is cut off");
}
