using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Lab.Tests.Support;
using Weft.Scenarios;

namespace Lab.Tests.Replay;

/// <summary>One try to reach an address, with a protocol's own packets, from inside a machine's namespace.</summary>
internal static class Probes
{
    private static readonly TimeSpan Resend = TimeSpan.FromMilliseconds(250);

    public static async Task<Outcome> TcpAsync(Machine from, IPEndPoint to, bool silent, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        try
        {
            using var socket = from.Network.Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(to, limit.Token);
            return silent ? new Outcome(FlowVerdict.Allow) : Read(await ReadToEndAsync(socket, limit.Token));
        }
        catch (OperationCanceledException)
        {
            return Outcome.NoAnswer;
        }
        catch (SocketException e)
        {
            return Of(e);
        }
    }

    /// <summary>A datagram and its answer; sent again while none comes, as any client would.</summary>
    public static async Task<Outcome> UdpAsync(Machine from, IPEndPoint to, ReadOnlyMemory<byte> question, bool silent, TimeSpan patience)
    {
        var deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        try
        {
            using var socket = from.Network.Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            await socket.ConnectAsync(to);
            var buffer = new byte[2048];
            while (Environment.TickCount64 < deadline)
            {
                await socket.SendAsync(question);
                using var wait = new CancellationTokenSource(Resend);
                try
                {
                    var size = await socket.ReceiveAsync(buffer, wait.Token);
                    return silent ? new Outcome(FlowVerdict.Allow) : Read(Encoding.ASCII.GetString(buffer, 0, size));
                }
                catch (OperationCanceledException)
                {
                    // Once more.
                }
            }
            return Outcome.NoAnswer;
        }
        catch (SocketException e)
        {
            return Of(e);
        }
    }

    /// <summary>An echo request, its answer, and where the target is known the request as it arrives there.</summary>
    public static async Task<Outcome> PingAsync(Machine from, Machine? target, IPAddress to, TimeSpan patience)
    {
        var ipv6 = to.AddressFamily == AddressFamily.InterNetworkV6;
        var protocol = ipv6 ? RawSocket.IcmpV6 : RawSocket.Icmp;
        var (request, reply) = ipv6 ? ((byte)128, (byte)129) : ((byte)8, (byte)0);
        var token = RandomNumberGenerator.GetBytes(16);
        using var limit = new CancellationTokenSource(patience);
        using var client = new RawWatch(from, protocol, ipv6);
        using var server = target is null ? null : new RawWatch(target, protocol, ipv6);
        try
        {
            var arrival = server?.NextAsync(p => p[0] == request && p.EndsWith(token), limit.Token);
            var answer = client.NextAsync(p => p[0] == reply && p.EndsWith(token), limit.Token);
            await client.SendAsync(Echo(request, token, ipv6), to, limit.Token);
            await answer;
            return new Outcome(FlowVerdict.Allow, target?.Name, arrival is null ? null : await arrival);
        }
        catch (OperationCanceledException)
        {
            return Outcome.NoAnswer;
        }
        catch (SocketException e)
        {
            return Of(e);
        }
    }

    /// <summary>An SCTP association's first packet (RFC 9260 section 3.3.2), and at which of the machines it arrives.</summary>
    public static async Task<Outcome> SctpAsync(Machine from, IPEndPoint to, IEnumerable<Machine> targets, TimeSpan patience)
    {
        var ipv6 = to.AddressFamily == AddressFamily.InterNetworkV6;
        var (packet, token) = Init(to.Port);
        using var limit = new CancellationTokenSource(patience);
        using var client = new RawWatch(from, RawSocket.Sctp, ipv6);
        var watches = targets.Where(t => t != from).Select(t => new RawWatch(t, RawSocket.Sctp, ipv6)).ToList();
        try
        {
            var arrivals = watches.Select(w => (Watch: w, Source: w.NextAsync(p => p.IndexOf(token) >= 0, limit.Token))).ToList();
            await client.SendAsync(packet, to.Address, limit.Token);
            var first = await Task.WhenAny(arrivals.Select(a => a.Source));
            var seen = await first;
            return new Outcome(FlowVerdict.Allow, arrivals.Single(a => a.Source == first).Watch.Machine.Name, seen);
        }
        catch (OperationCanceledException)
        {
            return Outcome.NoAnswer;
        }
        catch (SocketException e)
        {
            return Of(e);
        }
        finally
        {
            await limit.CancelAsync();
            foreach (var watch in watches)
                watch.Dispose();
        }
    }

    /// <summary>A question for the address of the API Service (RFC 1035 section 4); its random number tells it from others.</summary>
    public static byte[] DnsQuestion()
    {
        var message = new List<byte>(RandomNumberGenerator.GetBytes(2));
        message.AddRange([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        foreach (var label in "kubernetes.default.svc.cluster.local".Split('.'))
        {
            message.Add((byte)label.Length);
            message.AddRange(Encoding.ASCII.GetBytes(label));
        }
        message.AddRange([0, 0, 1, 0, 1]);
        return [.. message];
    }

    private static async Task<string> ReadToEndAsync(Socket socket, CancellationToken cancel)
    {
        var buffer = new byte[512];
        var size = 0;
        while (await socket.ReceiveAsync(buffer.AsMemory(size), cancel) is > 0 and var count)
            size += count;
        return Encoding.ASCII.GetString(buffer, 0, size);
    }

    private static Outcome Read(string words) => words.Split(' ') is [var name, var seen]
        ? new Outcome(FlowVerdict.Allow, name, IPAddress.Parse(seen))
        : new Outcome(FlowVerdict.Allow, Detail: $"an answer that no server of the scenario gives: '{words}'");

    private static Outcome Of(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused or SocketError.ConnectionReset => new Outcome(FlowVerdict.Reject, Detail: e.Message),
        SocketError.NetworkUnreachable or SocketError.HostUnreachable => new Outcome(FlowVerdict.Unreachable, Detail: e.Message),
        SocketError.TimedOut => Outcome.NoAnswer,
        _ => throw e,
    };

    private static byte[] Echo(byte type, byte[] token, bool ipv6)
    {
        byte[] packet = [type, 0, 0, 0, token[0], token[1], 0, 1, .. token];
        // ICMPv6's checksum covers the addresses and is the kernel's to compute (RFC 3542 section 3.1).
        if (ipv6)
            return packet;
        uint sum = 0;
        for (var i = 0; i < packet.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(i));
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)~sum);
        return packet;
    }

    private static (byte[] Packet, byte[] Token) Init(int port)
    {
        var packet = new byte[32];
        BinaryPrimitives.WriteUInt16BigEndian(packet, (ushort)RandomNumberGenerator.GetInt32(32768, 65536));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)port);
        packet[12] = 1;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(14), 20);
        RandomNumberGenerator.Fill(packet.AsSpan(16, 4));
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(20), 65536);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(24), 1);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(26), 1);
        RandomNumberGenerator.Fill(packet.AsSpan(28, 4));
        // CRC32c over the packet with a checksum of zero (RFC 9260 section 6.8), least significant byte first.
        var crc = uint.MaxValue;
        foreach (var b in packet)
            crc = BitOperations.Crc32C(crc, b);
        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(8), ~crc);
        return (packet, packet[16..32]);
    }
}
