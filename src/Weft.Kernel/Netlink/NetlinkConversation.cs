using System.Buffers;
using Weft.Kernel.Routing;
using Weft.Primitives;
using Weft.Wire.Netlink;

namespace Weft.Kernel.Netlink;

/// <summary>Writes the body of a message, after its header.</summary>
internal delegate void WriteBody(ref NetlinkWriter writer);

/// <summary>Takes one message of a dump.</summary>
internal delegate void ReadBody(ReadOnlySpan<byte> payload);

/// <summary>
/// Requests and answers on one socket, one thread at a time. Requests collect in a buffer until <see cref="Flush"/> sends them together; the
/// kernel handles them in order and acknowledges each.
/// </summary>
internal sealed class NetlinkConversation(NetlinkSocket socket) : IDisposable
{
    // The kernel cuts dumps to 32 KiB (net/netlink/af_netlink.c, netlink_dump).
    private const int BufferSize = 64 * 1024;

    /// <summary>
    /// Acknowledgements wait in the socket's receive buffer while the kernel works through a batch: 128 of some 800 bytes fit the smallest.
    /// </summary>
    private const int MaxBatch = 128;
    private const int DumpAttempts = 20;

    // Rented: a conversation is opened for every pod that is attached.
    private readonly byte[] _send = ArrayPool<byte>.Shared.Rent(BufferSize);
    private readonly byte[] _receive = ArrayPool<byte>.Shared.Rent(BufferSize);
    private readonly List<Action<NetlinkResult>> _pending = [];
    private uint _sequence;
    private int _used;
    private int _disposed;

    internal NetlinkSocket Socket => socket;

    internal bool HasPending => _pending.Count > 0;

    /// <summary>Adds a request to the batch; <paramref name="done"/> is called by the flush that sends it.</summary>
    /// <exception cref="NetlinkFormatException">The request does not fit any buffer or its values do not fit the protocol.</exception>
    internal void Add(ushort type, NetlinkFlags flags, WriteBody body, Action<NetlinkResult> done)
    {
        if (_pending.Count == MaxBatch || BufferSize - _used < 4096)
            Flush();
        var writer = new NetlinkWriter(_send.AsSpan(_used));
        writer.BeginMessage(type, flags | NetlinkFlags.Request | NetlinkFlags.Ack, _sequence + (uint)_pending.Count + 1);
        body(ref writer);
        writer.EndMessage();
        _used += writer.Length;
        _pending.Add(done);
    }

    /// <summary>Sends the batch and hands out what became of each request.</summary>
    internal void Flush()
    {
        if (_pending.Count == 0)
            return;
        var first = _sequence + 1;
        var waiting = _pending.ToArray();
        var bytes = _send.AsSpan(0, _used);
        _sequence += (uint)waiting.Length;
        _pending.Clear();
        _used = 0;
        try
        {
            socket.Send(bytes);
        }
        catch (KernelException e)
        {
            foreach (var done in waiting)
                done(new NetlinkResult(e.Errno, "the request was not sent"));
            return;
        }
        for (var left = waiting.Length; left > 0;)
            left -= ReceiveAcknowledgements(first, waiting);
    }

    /// <summary>Asks for one object.</summary>
    /// <returns>The error number of the answer; none when <paramref name="read"/> was called.</returns>
    internal NetlinkResult Get(ushort type, WriteBody body, ReadBody read)
    {
        Flush();
        Send(type, NetlinkFlags.Request, body);
        while (true)
        {
            var reader = Receive();
            while (reader.Read())
            {
                if (reader.Sequence != _sequence)
                    continue;
                if (reader.Type is ControlType.Error)
                    return Result(NetlinkAcknowledgement.Parse(reader.Type, reader.Flags, reader.Payload));
                read(reader.Payload);
                return default;
            }
        }
    }

    /// <summary>Reads all objects that a request matches. A list that changed meanwhile is read again, so that it is whole.</summary>
    /// <param name="restart">Forgets what was read so far.</param>
    /// <exception cref="KernelException">The kernel refused, or the list never stayed the same for long enough.</exception>
    internal void Dump(string operation, ushort type, WriteBody body, ReadBody read, Action restart)
    {
        Flush();
        for (var attempt = 0; attempt < DumpAttempts; attempt++)
        {
            restart();
            Send(type, NetlinkFlags.Request | NetlinkFlags.Dump, body);
            if (ReadDump(operation, read))
                return;
        }
        throw new KernelException(operation, Errno.EAGAIN, $"the list changed during each of {DumpAttempts} attempts to read it");
    }

    /// <summary>Must not run while another thread is in a conversation.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        socket.Dispose();
        ArrayPool<byte>.Shared.Return(_send);
        ArrayPool<byte>.Shared.Return(_receive);
    }

    private static NetlinkResult Result(NetlinkAcknowledgement acknowledgement) => new((Errno)acknowledgement.Error, acknowledgement.Detail);

    private void Send(ushort type, NetlinkFlags flags, WriteBody body)
    {
        var writer = new NetlinkWriter(_send);
        writer.BeginMessage(type, flags, ++_sequence);
        body(ref writer);
        writer.EndMessage();
        socket.Send(writer.Written);
    }

    private NetlinkReader Receive()
    {
        var size = socket.Receive(_receive);
        return size >= 0
            ? new NetlinkReader(_receive.AsSpan(0, size))
            : throw new KernelException("receive netlink messages", (Errno)(-size));
    }

    private int ReceiveAcknowledgements(uint first, Action<NetlinkResult>?[] waiting)
    {
        var size = socket.Receive(_receive);
        if (size < 0)
        {
            // Without a buffer for them the acknowledgements are lost, and nobody knows what became of the requests.
            var lost = new NetlinkResult((Errno)(-size), "the acknowledgement was lost");
            foreach (var done in waiting)
                done?.Invoke(lost);
            return waiting.Length;
        }
        var count = 0;
        var reader = new NetlinkReader(_receive.AsSpan(0, size));
        while (reader.Read())
        {
            var index = reader.Sequence - first;
            // An answer to an older batch whose acknowledgements were given up.
            if (reader.Type != ControlType.Error || index >= (uint)waiting.Length || waiting[index] is not { } done)
                continue;
            waiting[index] = null;
            done(Result(NetlinkAcknowledgement.Parse(reader.Type, reader.Flags, reader.Payload)));
            count++;
        }
        return count;
    }

    /// <returns>False when the kernel says that the list changed while it was read.</returns>
    private bool ReadDump(string operation, ReadBody read)
    {
        var whole = true;
        while (true)
        {
            var reader = Receive();
            while (reader.Read())
            {
                if (reader.Sequence != _sequence)
                    continue;
                whole &= !reader.Flags.HasFlag(NetlinkFlags.DumpInterrupted);
                if (reader.Type is not (ControlType.Error or ControlType.Done))
                {
                    read(reader.Payload);
                    continue;
                }
                var result = Result(NetlinkAcknowledgement.Parse(reader.Type, reader.Flags, reader.Payload));
                return result.Succeeded ? whole : throw new KernelException(operation, result.Errno, result.Detail);
            }
        }
    }
}
