using System.Text;

namespace Weft.Wire.Cri;

/// <summary>
/// The one message that Weft asks of a container runtime: ListPodSandbox of the Container Runtime Interface (runtime.v1, kubernetes/cri-api), in
/// gRPC's framing (a byte for compression, four for the length) and protocol buffers' encoding.
/// </summary>
public static class SandboxList
{
    public const string Method = "/runtime.v1.RuntimeService/ListPodSandbox";

    private const int FrameBytes = 5;
    private const int ItemsField = 1;
    private const int IdField = 1;
    private const int Delimited = 2;

    /// <summary>ListPodSandboxRequest without a filter, framed: every sandbox, ready or not.</summary>
    public static byte[] Request() => new byte[FrameBytes];

    /// <summary>The ids in a framed ListPodSandboxResponse. What else it says is skipped, so that newer runtimes are understood.</summary>
    /// <exception cref="FormatException">The bytes are no such message: nothing must be concluded from them.</exception>
    public static IReadOnlySet<string> ReadIds(ReadOnlySpan<byte> framed)
    {
        if (framed.Length < FrameBytes || framed[0] != 0)
            throw new FormatException("the runtime's answer is not one uncompressed gRPC message");
        var length = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(framed[1..]);
        if (length != framed.Length - FrameBytes)
            throw new FormatException($"the runtime's answer has {framed.Length - FrameBytes} bytes where {length} are announced");
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var message = framed[FrameBytes..];
        while (TryField(ref message, out var field, out var sandbox))
            if (field == ItemsField)
                ids.Add(ReadId(sandbox));
        return ids;
    }

    private static string ReadId(ReadOnlySpan<byte> sandbox)
    {
        while (TryField(ref sandbox, out var field, out var value))
            if (field == IdField && value.Length > 0)
                return Encoding.UTF8.GetString(value);
        throw new FormatException("the runtime's answer has a sandbox without an id");
    }

    /// <summary>Takes the next field off; the value of one that is not delimited is empty.</summary>
    private static bool TryField(ref ReadOnlySpan<byte> message, out int field, out ReadOnlySpan<byte> value)
    {
        field = 0;
        value = default;
        if (message.IsEmpty)
            return false;
        var tag = Varint(ref message);
        var number = tag >> 3;
        if (number is 0 or > 0x1fff_ffff)
            throw new FormatException("the runtime's answer has a field without a number");
        switch (tag & 7)
        {
            case 0:
                Varint(ref message);
                break;
            case 1:
                Take(ref message, 8);
                break;
            case Delimited:
                field = (int)number;
                value = Take(ref message, Varint(ref message));
                break;
            case 5:
                Take(ref message, 4);
                break;
            default:
                throw new FormatException($"the runtime's answer has a field of wire type {tag & 7}");
        }
        return true;
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> message, ulong count)
    {
        if (count > (ulong)message.Length)
            throw new FormatException("the runtime's answer is cut off");
        var taken = message[..(int)count];
        message = message[(int)count..];
        return taken;
    }

    private static ulong Varint(ref ReadOnlySpan<byte> message)
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (message.IsEmpty)
                throw new FormatException("the runtime's answer is cut off");
            var next = message[0];
            message = message[1..];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
        throw new FormatException("the runtime's answer has a number that does not end");
    }
}
