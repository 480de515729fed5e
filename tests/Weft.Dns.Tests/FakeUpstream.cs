using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Weft.Wire.Dns;

namespace Weft.Dns.Tests;

/// <summary>An upstream server on loopback that answers as it is told: UDP and TCP on one port, counting what it is asked.</summary>
internal sealed class FakeUpstream : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly (Socket Udp, Socket Tcp) _sockets = DnsServer.Bind(IPAddress.Loopback, 0);
    private readonly Task _running;
    private int _asked;

    /// <param name="answer">Query and whether it came by TCP, to the datagrams to send back.</param>
    public FakeUpstream(Func<byte[], bool, IEnumerable<byte[]>> answer)
    {
        _sockets.Tcp.Listen();
        _running = Task.WhenAll(Task.Run(() => UdpAsync(answer)), Task.Run(() => TcpAsync(answer)));
    }

    public IPEndPoint EndPoint => (IPEndPoint)_sockets.Udp.LocalEndPoint!;

    public int Asked => Volatile.Read(ref _asked);

    /// <summary>A response with one A record to whatever was asked.</summary>
    public static byte[] Address(byte[] query, string address, uint ttl = 60, int flags = 0)
    {
        var reader = new DnsReader(query);
        var name = new char[DnsLimits.NameText];
        reader.ReadQuestion(name, out var length, out var type, out _, lower: false);
        var buffer = new byte[600];
        var writer = new DnsWriter(buffer, buffer.Length);
        writer.WriteQuestion(name.AsSpan(0, length), type);
        writer.WriteAddress(name.AsSpan(0, length), ttl, IPAddress.Parse(address));
        writer.WriteHeader(new DnsHeader(reader.Header.Id, (ushort)(DnsHeader.Response | flags), 1, 1, 0, 0));
        return buffer[..writer.Length];
    }

    /// <summary>A response with a code and no records.</summary>
    public static byte[] Code(byte[] query, DnsResponseCode code)
    {
        var response = Address(query, "0.0.0.0", flags: (int)code);
        var question = new DnsReader(query);
        question.ReadQuestion(new char[DnsLimits.NameText], out _, out _, out _, lower: false);
        response[7] = 0;
        return response[..question.Position];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _sockets.Udp.Dispose();
        _sockets.Tcp.Dispose();
        await _running;
        _stop.Dispose();
    }

    private async Task UdpAsync(Func<byte[], bool, IEnumerable<byte[]>> answer)
    {
        var buffer = new byte[2000];
        try
        {
            while (true)
            {
                var received = await _sockets.Udp.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                Interlocked.Increment(ref _asked);
                foreach (var datagram in answer(buffer[..received.ReceivedBytes], false))
                    await _sockets.Udp.SendToAsync(datagram, SocketFlags.None, received.RemoteEndPoint, _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task TcpAsync(Func<byte[], bool, IEnumerable<byte[]>> answer)
    {
        try
        {
            while (true)
            {
                using var connection = await _sockets.Tcp.AcceptAsync(_stop.Token);
                Interlocked.Increment(ref _asked);
                var head = new byte[2];
                await TcpFrames.FillAsync(connection, head, _stop.Token);
                var query = new byte[BinaryPrimitives.ReadUInt16BigEndian(head)];
                await TcpFrames.FillAsync(connection, query, _stop.Token);
                foreach (var message in answer(query, true))
                {
                    BinaryPrimitives.WriteUInt16BigEndian(head, (ushort)message.Length);
                    await connection.SendAsync((byte[])[.. head, .. message], _stop.Token);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }
}
