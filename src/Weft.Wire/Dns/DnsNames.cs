namespace Weft.Wire.Dns;

/// <summary>
/// Names between the wire (length-prefixed labels, RFC 1035 section 3.1, with pointers, section 4.1.4) and text (section 5.1: dots between
/// labels, none at the end; the root is the empty text; a dot or backslash within a label and any byte that is not printable are escaped).
/// </summary>
public static class DnsNames
{
    /// <summary>
    /// Reads the name at a position into text and returns where the next field begins. A pointer must lead to before the name that holds it,
    /// so a chain of them gets shorter with each step and cannot loop.
    /// </summary>
    /// <param name="lower">Whether ASCII letters become lower case: names are compared without case (RFC 4343).</param>
    /// <exception cref="DnsFormatException">The name runs over the message's end, is too long, or has a bad label or pointer.</exception>
    public static int Read(ReadOnlySpan<byte> message, int position, Span<char> text, out int length, bool lower)
    {
        length = 0;
        var end = -1;
        var wireLength = 1;
        var limit = position;
        while (true)
        {
            var size = At(message, position);
            switch (size & 0xc0)
            {
                case 0x00:
                    if (size == 0)
                        return end < 0 ? position + 1 : end;
                    wireLength += size + 1;
                    if (wireLength > DnsLimits.Name)
                        throw new DnsFormatException($"the name at byte {position} is longer than {DnsLimits.Name} bytes");
                    if (position + 1 + size > message.Length)
                        throw new DnsFormatException($"the label at byte {position} runs over the end of the message");
                    if (length > 0)
                        text[length++] = '.';
                    foreach (var b in message.Slice(position + 1, size))
                        length += WriteByte(b, text[length..], lower);
                    position += 1 + size;
                    break;
                case 0xc0:
                    var target = (size & 0x3f) << 8 | At(message, position + 1);
                    if (end < 0)
                        end = position + 2;
                    if (target >= limit)
                        throw new DnsFormatException($"the pointer at byte {position} leads to byte {target}, which is not before its name");
                    limit = position = target;
                    break;
                default:
                    throw new DnsFormatException($"the label at byte {position} is of the unknown kind 0x{size & 0xc0:x2}");
            }
        }
    }

    /// <summary>Where the field after the name begins; the name is checked only as far as needed.</summary>
    /// <exception cref="DnsFormatException">The name runs over the message's end.</exception>
    public static int Skip(ReadOnlySpan<byte> message, int position)
    {
        while (true)
        {
            var size = At(message, position);
            if (size == 0)
                return position + 1;
            switch (size & 0xc0)
            {
                case 0xc0:
                    At(message, position + 1);
                    return position + 2;
                case 0:
                    position += size + 1;
                    break;
                default:
                    throw new DnsFormatException($"the label at byte {position} is of the unknown kind 0x{size & 0xc0:x2}");
            }
        }
    }

    /// <summary>
    /// Takes the first label off a name's text and unescapes it. Returns the label's length, or -1 when it is empty, longer than 63 bytes or
    /// badly escaped.
    /// </summary>
    internal static int TakeLabel(ref ReadOnlySpan<char> name, scoped Span<byte> label)
    {
        var length = 0;
        var i = 0;
        while (i < name.Length && name[i] != '.')
        {
            int value = name[i++];
            if (value == '\\')
            {
                if (i + 2 < name.Length && char.IsAsciiDigit(name[i]) && char.IsAsciiDigit(name[i + 1]) && char.IsAsciiDigit(name[i + 2]))
                {
                    value = 100 * (name[i] - '0') + 10 * (name[i + 1] - '0') + name[i + 2] - '0';
                    i += 3;
                }
                else if (i < name.Length)
                {
                    value = name[i++];
                }
                else
                {
                    return -1;
                }
            }
            if (value > 255 || length == DnsLimits.Label)
                return -1;
            label[length++] = (byte)value;
        }
        name = i < name.Length ? name[(i + 1)..] : [];
        return length == 0 ? -1 : length;
    }

    private static int WriteByte(byte b, Span<char> text, bool lower)
    {
        if (b is (byte)'.' or (byte)'\\')
        {
            text[0] = '\\';
            text[1] = (char)b;
            return 2;
        }
        if (b is > 0x20 and < 0x7f)
        {
            text[0] = lower && b is >= (byte)'A' and <= (byte)'Z' ? (char)(b | 0x20) : (char)b;
            return 1;
        }
        text[0] = '\\';
        text[1] = (char)('0' + b / 100);
        text[2] = (char)('0' + b / 10 % 10);
        text[3] = (char)('0' + b % 10);
        return 4;
    }

    private static byte At(ReadOnlySpan<byte> message, int position) => position < message.Length
        ? message[position]
        : throw new DnsFormatException($"the message ends at byte {message.Length} within a name");
}
