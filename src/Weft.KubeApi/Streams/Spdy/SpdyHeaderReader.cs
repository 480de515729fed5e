using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Weft.KubeApi.Streams.Spdy;

/// <summary>
/// Header blocks of one direction of a SPDY connection: one zlib stream (RFC 1950) for the life of the connection, flushed after every block.
/// </summary>
/// <remarks>
/// The framework's inflater takes no preset dictionary, but a dictionary is nothing other than text seen before: the stream is
/// begun with the dictionary as a stored block (RFC 1951 section 3.2.4), whose output is thrown away, and the zlib header is cut off.
/// </remarks>
internal sealed class SpdyHeaderReader : IDisposable
{
    private const int MaxHeaderBytes = 64 * 1024;

    private readonly FeedStream _feed = new();
    private readonly DeflateStream _inflater;
    private bool _begun;

    public SpdyHeaderReader() => _inflater = new DeflateStream(_feed, CompressionMode.Decompress);

    /// <exception cref="InvalidDataException">Not a header block.</exception>
    public Dictionary<string, string> Read(ReadOnlySpan<byte> block)
    {
        if (!_begun)
        {
            // CMF, FLG, and with FDICT the checksum of the dictionary.
            if (block.Length < 2 || (block[0] & 0x0f) != 8)
                throw new InvalidDataException("a SPDY header block does not begin with a zlib header");
            block = block[((block[1] & 0x20) != 0 ? 6 : 2)..];
            var dictionary = SpdyHeaderDictionary.Bytes;
            _feed.Append(StoredBlock(dictionary));
            _feed.Append(block);
            _inflater.ReadExactly(new byte[dictionary.Length]);
            _begun = true;
        }
        else
        {
            _feed.Append(block);
        }
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var total = 0;
        for (var left = ReadLength(); left > 0; left--)
        {
            var name = ReadText(ref total);
            headers[name] = ReadText(ref total);
        }
        return headers;
    }

    /// <summary>A block of uncompressed data, not the last: LEN and its complement, little-endian.</summary>
    public static byte[] StoredBlock(ReadOnlySpan<byte> data)
    {
        var block = new byte[5 + data.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(1), (ushort)data.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(3), (ushort)~data.Length);
        data.CopyTo(block.AsSpan(5));
        return block;
    }

    public void Dispose() => _inflater.Dispose();

    private int ReadLength()
    {
        Span<byte> length = stackalloc byte[4];
        _inflater.ReadExactly(length);
        return BinaryPrimitives.ReadInt32BigEndian(length);
    }

    private string ReadText(ref int total)
    {
        var length = ReadLength();
        total += length;
        if (length < 0 || total > MaxHeaderBytes)
            throw new InvalidDataException($"SPDY headers of more than {MaxHeaderBytes} bytes");
        var text = new byte[length];
        _inflater.ReadExactly(text);
        return Encoding.UTF8.GetString(text);
    }

    // Hands the inflater what has arrived. It is asked for more only when a block was cut short.
    private sealed class FeedStream : Stream
    {
        private readonly MemoryStream _data = new();
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            if (_read == _data.Length)
            {
                _data.SetLength(0);
                _read = 0;
            }
            _data.Position = _data.Length;
            _data.Write(bytes);
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            _data.Position = _read;
            var read = _data.Read(buffer, offset, count);
            _read += read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
