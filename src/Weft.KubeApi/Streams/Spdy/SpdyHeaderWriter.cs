using System.Buffers.Binary;
using System.Text;

namespace Weft.KubeApi.Streams.Spdy;

/// <summary>
/// Header blocks as a zlib stream of stored blocks: valid, and a few bytes longer than compressed, which the two or three headers of a
/// port-forward do not notice.
/// </summary>
internal sealed class SpdyHeaderWriter
{
    private bool _begun;

    public byte[] Write(IReadOnlyDictionary<string, string> headers)
    {
        var plain = new MemoryStream();
        WriteLength(plain, headers.Count);
        foreach (var (name, value) in headers)
        {
            WriteText(plain, name.ToLowerInvariant());
            WriteText(plain, value);
        }
        // An empty block after it is the sync flush that tells the reader's inflater to hand out what it has.
        byte[] block = [.. SpdyHeaderReader.StoredBlock(plain.ToArray()), .. SpdyHeaderReader.StoredBlock([])];
        if (_begun)
            return block;
        _begun = true;
        // CM 8, window 32 KiB, no dictionary asked for; the header is a multiple of 31.
        return [0x78, 0x01, .. block];
    }

    private static void WriteLength(MemoryStream stream, int length)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, length);
        stream.Write(bytes);
    }

    private static void WriteText(MemoryStream stream, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        WriteLength(stream, bytes.Length);
        stream.Write(bytes);
    }
}
