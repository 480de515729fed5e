using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Weft.Model.Dns;
using Weft.Wire.Dns;

namespace Weft.Dns;

/// <summary>
/// The sockets around <see cref="DnsResolver"/>: UDP and TCP on any number of addresses, answered from the current zone or by way of upstream
/// servers. Answers from the zone over UDP are made in place, without a task or an allocation a query.
/// </summary>
public sealed class DnsServer : IAsyncDisposable
{
    private readonly DnsServerOptions _options;
    private readonly DnsForwarder _forwarder;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _sockets = [];
    private readonly List<Task> _loops = [];
    private readonly SemaphoreSlim _connections;
    private readonly string _probeName = RandomNumberGenerator.GetHexString(16, lowercase: true) + ".weft-loop-probe";
    private ZoneIndex _zone;
    private AliasIndex? _aliases;
    private uint _rotation;
    private volatile bool _looped;

    public DnsServer(DnsServerOptions options)
    {
        _options = options;
        _forwarder = new DnsForwarder(options);
        _connections = new SemaphoreSlim(options.MaxTcpConnections);
        _zone = new ZoneIndex(DnsZone.Empty, options.ServiceAddresses, 0);
    }

    /// <summary>True once an upstream server was found to send queries back here; forwarding has stopped then.</summary>
    public bool LoopDetected => _looped;

    /// <summary>Answers from this zone from now on. Queries under way keep the zone that they began with.</summary>
    public void Update(DnsZone zone)
    {
        var current = Volatile.Read(ref _zone);
        if (!ReferenceEquals(current.Zone, zone) && current.Zone != zone)
            Volatile.Write(ref _zone, new ZoneIndex(zone, _options.ServiceAddresses, current.Serial + 1));
    }

    /// <summary>Tells clients of these networks their aliases from now on.</summary>
    public void UpdateAliases(IReadOnlyCollection<DnsAliases> networks) =>
        Volatile.Write(ref _aliases, networks.Count == 0 ? null : new AliasIndex(networks));

    /// <summary>Makes the two sockets of an address in the calling thread's network namespace, bound but not yet served.</summary>
    /// <param name="port">53; 0 picks one that is free for both.</param>
    /// <exception cref="SocketException">The address is not this host's, or the port is taken.</exception>
    public static (Socket Udp, Socket Tcp) Bind(IPAddress address, int port = 53)
    {
        for (var attempt = 0; ; attempt++)
        {
            var udp = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            var tcp = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                udp.Bind(new IPEndPoint(address, port));
                // A restarted agent must not wait for the old connections' TIME_WAIT.
                tcp.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
                tcp.Bind(new IPEndPoint(address, ((IPEndPoint)udp.LocalEndPoint!).Port));
                return (udp, tcp);
            }
            catch (SocketException) when (port == 0 && attempt < 8)
            {
                udp.Dispose();
                tcp.Dispose();
            }
            catch
            {
                udp.Dispose();
                tcp.Dispose();
                throw;
            }
        }
    }

    /// <summary>Serves a pair of sockets from <see cref="Bind"/>, which this takes over.</summary>
    public void Serve((Socket Udp, Socket Tcp) sockets)
    {
        sockets.Tcp.Listen(128);
        // Room for a burst while the receivers are busy.
        sockets.Udp.ReceiveBufferSize = 1 << 20;
        _sockets.AddRange([sockets.Udp, sockets.Tcp]);
        for (var i = 0; i < _options.UdpReceivers; i++)
            _loops.Add(Task.Run(() => ServeUdpAsync(sockets.Udp)));
        _loops.Add(Task.Run(() => AcceptAsync(sockets.Tcp)));
    }

    /// <summary>
    /// Sends the upstream servers a name that nobody else can know. If it comes back as a query, they forward to us, each query would go round
    /// until it times out, and so forwarding stops. To be called once after <see cref="Serve"/>.
    /// </summary>
    public async Task DetectLoopAsync()
    {
        if (_forwarder.HasUpstreams)
            await _forwarder.AskAsync(new DnsQuestion(_probeName, DnsType.Txt, false, false), _stop.Token);
        if (_looped)
            _options.Log(
                $"DNS: the upstream servers ({string.Join(", ", _options.Upstreams)}) forward queries back to this server; names outside the cluster are refused. " +
                "Give the node's resolv.conf servers that do not use the cluster's DNS");
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync();
        foreach (var socket in _sockets)
            socket.Dispose();
        await Task.WhenAll(_loops);
        _stop.Dispose();
    }

    private async Task ServeUdpAsync(Socket socket)
    {
        var query = GC.AllocateUninitializedArray<byte>(DnsLimits.Tcp, pinned: true);
        var response = GC.AllocateUninitializedArray<byte>(DnsLimits.UnfragmentedUdp, pinned: true);
        var client = new SocketAddress(socket.AddressFamily);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var length = await socket.ReceiveFromAsync(query, SocketFlags.None, client, _stop.Token);
                var zone = Volatile.Read(ref _zone);
                var aliases = Volatile.Read(ref _aliases);
                var outcome = Answer(query.AsSpan(0, length), zone, response, tcp: false, aliases, aliases is null ? null : AddressOf(client));
                if (outcome.Verdict == DnsVerdict.Reply)
                    await socket.SendToAsync(response.AsMemory(0, outcome.Length), SocketFlags.None, client, _stop.Token);
                else if (outcome.Verdict == DnsVerdict.Forward)
                    _ = ForwardUdpAsync(socket, query.AsSpan(0, length).ToArray(), zone, outcome.Question, Copy(client));
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                // An ICMP error for an earlier answer surfaces at the next call; it concerns nobody here.
                if (_stop.IsCancellationRequested)
                    return;
                if (e.SocketErrorCode is not (SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.HostUnreachable or SocketError.NetworkUnreachable))
                    _options.Log($"DNS: UDP on {socket.LocalEndPoint}: {e.Message}");
            }
            catch (Exception e)
            {
                // One query must not end the service of all others.
                _options.Log($"DNS: UDP on {socket.LocalEndPoint}: {e}");
            }
        }
    }

    private async Task ForwardUdpAsync(Socket socket, byte[] query, ZoneIndex zone, DnsQuestion question, SocketAddress client)
    {
        var response = ArrayPool<byte>.Shared.Rent(DnsLimits.UnfragmentedUdp);
        try
        {
            var answer = await _forwarder.AskAsync(question, _stop.Token);
            var outcome = DnsResolver.Complete(query, zone, answer?.Answer, answer?.Age ?? 0, response, tcp: false);
            if (outcome.Verdict == DnsVerdict.Reply)
                await socket.SendToAsync(response.AsMemory(0, outcome.Length), SocketFlags.None, client, _stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The server stops, or the client is gone: it asks again if it still wants to know.
        }
        catch (Exception e)
        {
            _options.Log($"DNS: forwarding {question.Name}: {e}");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(response);
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            try
            {
                await _connections.WaitAsync(_stop.Token);
                var connection = await listener.AcceptAsync(_stop.Token);
                _ = ServeConnectionAsync(connection);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                _connections.Release();
                if (_stop.IsCancellationRequested)
                    return;
                _options.Log($"DNS: accept on {listener.LocalEndPoint}: {e.Message}");
                await Task.Delay(100);
            }
        }
    }

    private async Task ServeConnectionAsync(Socket connection)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(DnsLimits.Tcp + 2);
        var response = ArrayPool<byte>.Shared.Rent(DnsLimits.Tcp + 2);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            while (true)
            {
                limit.CancelAfter(_options.TcpIdleTimeout);
                if (!await TcpFrames.FillAsync(connection, buffer.AsMemory(0, 2), limit.Token))
                    return;
                var length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
                if (!await TcpFrames.FillAsync(connection, buffer.AsMemory(0, length), limit.Token))
                    return;
                limit.CancelAfter(Timeout.Infinite);
                var outcome = await AnswerTcpAsync(buffer.AsMemory(0, length), response.AsMemory(2), (connection.RemoteEndPoint as IPEndPoint)?.Address);
                if (outcome.Verdict != DnsVerdict.Reply)
                    return;
                BinaryPrimitives.WriteUInt16BigEndian(response, (ushort)outcome.Length);
                limit.CancelAfter(_options.TcpIdleTimeout);
                for (var sent = 0; sent < outcome.Length + 2;)
                    sent += await connection.SendAsync(response.AsMemory(sent, outcome.Length + 2 - sent), limit.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Idle for too long, or the client is gone.
        }
        catch (Exception e)
        {
            _options.Log($"DNS: a TCP connection failed: {e}");
        }
        finally
        {
            connection.Dispose();
            ArrayPool<byte>.Shared.Return(buffer);
            ArrayPool<byte>.Shared.Return(response);
            _connections.Release();
        }
    }

    private async ValueTask<DnsOutcome> AnswerTcpAsync(ReadOnlyMemory<byte> query, Memory<byte> response, IPAddress? client)
    {
        var zone = Volatile.Read(ref _zone);
        var outcome = Answer(query.Span, zone, response.Span, tcp: true, Volatile.Read(ref _aliases), client);
        if (outcome.Verdict != DnsVerdict.Forward)
            return outcome;
        var answer = await _forwarder.AskAsync(outcome.Question, _stop.Token);
        return DnsResolver.Complete(query.Span, zone, answer?.Answer, answer?.Age ?? 0, response.Span, tcp: true);
    }

    private DnsOutcome Answer(ReadOnlySpan<byte> query, ZoneIndex zone, Span<byte> response, bool tcp, AliasIndex? aliases, IPAddress? client)
    {
        var outcome = DnsResolver.Answer(query, zone, response, tcp, _rotation++, _forwarder.HasUpstreams && !_looped, aliases, client);
        if (outcome.Verdict == DnsVerdict.Forward && outcome.Question.Name == _probeName)
        {
            _looped = true;
            return new DnsOutcome(DnsVerdict.Drop);
        }
        return outcome;
    }

    private static IPAddress AddressOf(SocketAddress client) =>
        ((IPEndPoint)new IPEndPoint(client.Family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0).Create(client)).Address;

    private static SocketAddress Copy(SocketAddress address)
    {
        var copy = new SocketAddress(address.Family, address.Size);
        address.Buffer.Span[..address.Size].CopyTo(copy.Buffer.Span);
        return copy;
    }
}
