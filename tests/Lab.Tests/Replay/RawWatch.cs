using System.Net;
using System.Net.Sockets;
using Lab.Tests.Support;

namespace Lab.Tests.Replay;

/// <summary>A raw socket in a machine's namespace: it sees every packet of one protocol that arrives there, whoever serves it.</summary>
internal sealed class RawWatch : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[2048];

    public RawWatch(Machine machine, byte protocol, bool ipv6)
    {
        Machine = machine;
        _socket = machine.Network.Run(() => RawSocket.Open(ipv6, protocol));
        _socket.Bind(new IPEndPoint(ipv6 ? IPAddress.IPv6Any : IPAddress.Any, 0));
        _socket.ReceiveBufferSize = 1 << 20;
    }

    public Machine Machine { get; }

    public Task SendAsync(ReadOnlyMemory<byte> packet, IPAddress to, CancellationToken cancel) =>
        _socket.SendToAsync(packet, SocketFlags.None, new IPEndPoint(to, 0), cancel).AsTask();

    /// <summary>The source of the next packet whose payload is accepted; the payload is without the IP header.</summary>
    /// <exception cref="OperationCanceledException">None came in time.</exception>
    public async Task<IPAddress> NextAsync(Func<ReadOnlySpan<byte>, bool> accept, CancellationToken cancel)
    {
        var ipv6 = _socket.AddressFamily == AddressFamily.InterNetworkV6;
        var any = new IPEndPoint(ipv6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        while (true)
        {
            var received = await _socket.ReceiveFromAsync(_buffer, SocketFlags.None, any, cancel);
            // raw(7): IPv4 comes with its header, IPv6 without.
            var header = ipv6 ? 0 : (_buffer[0] & 0xf) * 4;
            if (received.ReceivedBytes > header && accept(_buffer.AsSpan(header, received.ReceivedBytes - header)))
                return ((IPEndPoint)received.RemoteEndPoint).Address;
        }
    }

    public void Dispose() => _socket.Dispose();
}
