using System.Threading.Channels;

namespace Weft.KubeApi.Streams.Spdy;

/// <summary>One stream of a <see cref="SpdyConnection"/>, opened by the peer.</summary>
internal sealed class SpdyStream(SpdyConnection connection, int id, IReadOnlyDictionary<string, string> headers)
{
    private readonly Channel<byte[]> _received = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { SingleReader = true });

    public int Id { get; } = id;

    /// <summary>Names without regard to case.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; } = headers;

    /// <summary>What the peer sends, until it ends its side.</summary>
    public IAsyncEnumerable<byte[]> ReadAllAsync(CancellationToken cancel) => _received.Reader.ReadAllAsync(cancel);

    public Task WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancel) => connection.SendAsync(this, data, last: false, cancel);

    /// <summary>Ends this side; the peer may go on.</summary>
    public Task EndAsync(CancellationToken cancel) => connection.SendAsync(this, default, last: true, cancel);

    public Task ResetAsync(CancellationToken cancel) => connection.ResetAsync(this, cancel);

    public void Close() => connection.Forget(this);

    internal void Received(byte[] data) => _received.Writer.TryWrite(data);

    internal void PeerEnded() => _received.Writer.TryComplete();

    internal void PeerReset() => _received.Writer.TryComplete(new IOException("the peer reset the stream"));
}
