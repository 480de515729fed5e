using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Weft.Wire.Dns;

namespace Weft.Dns;

/// <summary>
/// Asks upstream servers. Each query has a socket of its own, connected to the server, and a random id, so that an answer must come from
/// that server to that port with that id (RFC 5452 section 9); a truncated answer is asked for again over TCP. The servers are tried in order,
/// beginning with the one that answered last, each within its time.
/// </summary>
internal sealed class DnsForwarder(DnsServerOptions options)
{
    private readonly DnsCache _cache = new(options.CacheEntries, options.CacheBytes, options.Time);
    private int _inFlight;
    private int _preferred;

    public bool HasUpstreams => options.Upstreams.Count > 0;

    /// <summary>The answer and its age, null when no server gave one in time or too many queries are under way.</summary>
    public async ValueTask<(UpstreamAnswer Answer, uint Age)?> AskAsync(DnsQuestion question, CancellationToken cancel)
    {
        if (_cache.Find(question) is { } cached)
            return cached;
        if (Interlocked.Increment(ref _inFlight) > options.MaxInFlight)
        {
            Interlocked.Decrement(ref _inFlight);
            return null;
        }
        try
        {
            UpstreamAnswer? refusal = null;
            for (var attempt = 0; attempt < options.Upstreams.Count; attempt++)
            {
                var index = (Volatile.Read(ref _preferred) + attempt) % options.Upstreams.Count;
                if (await TryAsync(options.Upstreams[index], question, cancel) is not { } answer)
                    continue;
                if (answer.Code is DnsResponseCode.ServerFailure or DnsResponseCode.Refused)
                {
                    // Another server may do better; if none does, this is the answer.
                    refusal ??= answer;
                    continue;
                }
                Volatile.Write(ref _preferred, index);
                _cache.Add(question, answer);
                return (answer, 0);
            }
            return refusal is null ? null : (refusal, 0);
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
        }
    }

    private async Task<UpstreamAnswer?> TryAsync(IPEndPoint server, DnsQuestion question, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(options.UpstreamTimeout);
        var buffer = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            var (answer, truncated) = await OverUdpAsync(server, question, buffer, limit.Token);
            return truncated ? await OverTcpAsync(server, question, limit.Token) ?? answer : answer;
        }
        catch (Exception e) when (e is SocketException or DnsFormatException || e is OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<(UpstreamAnswer?, bool Truncated)> OverUdpAsync(IPEndPoint server, DnsQuestion question, byte[] buffer, CancellationToken cancel)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        // Connecting picks a random port and has the kernel drop what other hosts send to it.
        await socket.ConnectAsync(server, cancel);
        var id = RandomId();
        await socket.SendAsync(buffer.AsMemory(0, WriteQuery(buffer, id, question)), cancel);
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, SocketFlags.None, cancel);
            UpstreamAnswer? answer;
            bool truncated;
            try
            {
                answer = UpstreamAnswer.Parse(buffer.AsSpan(0, length), id, question, out truncated);
            }
            catch (DnsFormatException)
            {
                // It may be forged; the true one may still come.
                continue;
            }
            if (answer is not null)
                return (answer, truncated);
        }
    }

    private static async Task<UpstreamAnswer?> OverTcpAsync(IPEndPoint server, DnsQuestion question, CancellationToken cancel)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, cancel);
        var buffer = ArrayPool<byte>.Shared.Rent(DnsLimits.Tcp + 2);
        try
        {
            var id = RandomId();
            var length = WriteQuery(buffer.AsSpan(2), id, question);
            BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)length);
            for (var sent = 0; sent < length + 2;)
                sent += await socket.SendAsync(buffer.AsMemory(sent, length + 2 - sent), cancel);
            if (!await TcpFrames.FillAsync(socket, buffer.AsMemory(0, 2), cancel))
                return null;
            length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
            return await TcpFrames.FillAsync(socket, buffer.AsMemory(0, length), cancel)
                ? UpstreamAnswer.Parse(buffer.AsSpan(0, length), id, question, out _)
                : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static int WriteQuery(Span<byte> buffer, ushort id, DnsQuestion question)
    {
        var writer = new DnsWriter(buffer, DnsLimits.PlainUdp);
        writer.WriteQuestion(question.Name, question.Type);
        writer.WriteOpt(new DnsEdns(DnsLimits.UnfragmentedUdp, 0, 0, question.DnssecOk));
        var flags = DnsHeader.RecursionDesired | (question.CheckingDisabled ? DnsHeader.CheckingDisabled : 0);
        writer.WriteHeader(new DnsHeader(id, (ushort)flags, 1, 0, 0, 1));
        return writer.Length;
    }

    private static ushort RandomId()
    {
        Span<byte> bytes = stackalloc byte[2];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt16BigEndian(bytes);
    }
}
