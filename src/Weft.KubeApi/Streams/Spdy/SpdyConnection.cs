using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Weft.KubeApi.Streams.Spdy;

/// <summary>
/// The server's side of a SPDY/3.1 connection (draft-mbelshe-httpbis-spdy-00 and its 3.1 revision) over any byte stream. Flow control
/// windows are neither kept nor asked of the peer, as the only clients there are (Kubernetes) do.
/// </summary>
internal sealed class SpdyConnection(Stream transport, Action<SpdyStream> accepted) : IAsyncDisposable
{
    private const ushort ControlVersion = 0x8003;
    private const ushort SynStream = 1;
    private const ushort SynReply = 2;
    private const ushort RstStream = 3;
    private const ushort Ping = 6;
    private const ushort GoAway = 7;
    private const int MaxFrame = 16 * 1024 * 1024;
    private const byte Fin = 1;

    private readonly ConcurrentDictionary<int, SpdyStream> _streams = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly SpdyHeaderReader _headers = new();
    private readonly SpdyHeaderWriter _replyHeaders = new();

    /// <summary>Reads frames until the peer ends the connection.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var head = new byte[8];
        try
        {
            while (await transport.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancel) == head.Length)
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)) & 0xffffff;
                if (length > MaxFrame)
                    throw new InvalidDataException($"SPDY frame of {length} bytes");
                var payload = new byte[length];
                await transport.ReadExactlyAsync(payload, cancel);
                var flags = head[4];
                if ((head[0] & 0x80) == 0)
                    Data(BinaryPrimitives.ReadInt32BigEndian(head) & 0x7fffffff, flags, payload);
                else if (!await ControlAsync(BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(2)), flags, payload, cancel))
                    break;
            }
        }
        finally
        {
            foreach (var stream in _streams.Values)
                stream.PeerEnded();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _headers.Dispose();
        _writing.Dispose();
        await transport.DisposeAsync();
    }

    /// <summary>Accepts a stream that the peer has opened.</summary>
    internal Task ReplyAsync(SpdyStream stream, CancellationToken cancel) => WriteAsync(() =>
    {
        // Under the write lock, because the header blocks of a direction are one compressed stream.
        var block = _replyHeaders.Write(new Dictionary<string, string>());
        var payload = new byte[4 + block.Length];
        BinaryPrimitives.WriteInt32BigEndian(payload, stream.Id);
        block.CopyTo(payload, 4);
        return Control(SynReply, 0, payload);
    }, cancel);

    internal Task SendAsync(SpdyStream stream, ReadOnlyMemory<byte> data, bool last, CancellationToken cancel) => WriteAsync(() =>
    {
        var frame = new byte[8 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, stream.Id);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), data.Length);
        frame[4] = last ? Fin : (byte)0;
        data.CopyTo(frame.AsMemory(8));
        return frame;
    }, cancel);

    internal Task ResetAsync(SpdyStream stream, CancellationToken cancel)
    {
        _streams.TryRemove(stream.Id, out _);
        var payload = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(payload, stream.Id);
        // CANCEL, section 2.6.3.
        BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(4), 5);
        return WriteAsync(() => Control(RstStream, 0, payload), cancel);
    }

    internal void Forget(SpdyStream stream) => _streams.TryRemove(stream.Id, out _);

    private void Data(int id, byte flags, byte[] payload)
    {
        // Data for a stream that was reset may still be on its way: it is dropped.
        if (!_streams.TryGetValue(id, out var stream))
            return;
        if (payload.Length > 0)
            stream.Received(payload);
        if ((flags & Fin) != 0)
            stream.PeerEnded();
    }

    private async Task<bool> ControlAsync(ushort type, byte flags, byte[] payload, CancellationToken cancel)
    {
        switch (type)
        {
            case SynStream when payload.Length >= 10:
                var id = BinaryPrimitives.ReadInt32BigEndian(payload) & 0x7fffffff;
                var stream = new SpdyStream(this, id, _headers.Read(payload.AsSpan(10)));
                _streams[id] = stream;
                if ((flags & Fin) != 0)
                    stream.PeerEnded();
                await ReplyAsync(stream, cancel);
                accepted(stream);
                return true;
            case RstStream when payload.Length >= 8:
                if (_streams.TryRemove(BinaryPrimitives.ReadInt32BigEndian(payload) & 0x7fffffff, out var reset))
                    reset.PeerReset();
                return true;
            case Ping when payload.Length >= 4:
                // Section 2.6.5: the same back.
                await WriteAsync(() => Control(Ping, 0, payload), cancel);
                return true;
            case GoAway:
                return false;
            default:
                // SETTINGS, HEADERS, WINDOW_UPDATE and what is not known change nothing here. SYN_REPLY cannot come: no stream is opened here.
                return true;
        }
    }

    private static byte[] Control(ushort type, byte flags, byte[] payload)
    {
        var frame = new byte[8 + payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(frame, ControlVersion);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), type);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), payload.Length);
        frame[4] = flags;
        payload.CopyTo(frame, 8);
        return frame;
    }

    private async Task WriteAsync(Func<byte[]> frame, CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            await transport.WriteAsync(frame(), cancel);
        }
        finally
        {
            _writing.Release();
        }
    }
}
