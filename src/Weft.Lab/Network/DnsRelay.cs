using System.Net;
using System.Net.Sockets;
using Weft.Kernel.Namespaces;
using Weft.Lab.Topology;

namespace Weft.Lab.Network;

/// <summary>
/// A lab's "internet" name server: answers at the bridge's address, port 53, by asking the name servers of this machine, which the
/// lab's namespaces cannot reach. It carries bytes and looks into nothing.
/// </summary>
internal sealed class DnsRelay(LabNetwork network, LabTopology topology, LabLog log)
{
    private const int Port = 53;
    private const int MostAtOnce = 64;
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(4);

    public Task RunAsync(CancellationToken cancel) =>
        Task.WhenAll(topology.BridgeAddresses.SelectMany(a => new[] { UdpAsync(a, cancel), TcpAsync(a, cancel) }));

    private async Task UdpAsync(IPAddress address, CancellationToken cancel)
    {
        using var underlay = NetNamespace.OpenNamed(new LabPaths(topology.Name).UnderlayNamespace);
        using var socket = underlay.Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, Port));
        using var places = new SemaphoreSlim(MostAtOnce);
        var buffer = new byte[65535];
        var any = new IPEndPoint(address.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                var got = await socket.ReceiveFromAsync(buffer, any, cancel);
                // Under a flood questions are lost, as UDP allows, and askers try again.
                if (places.Wait(0, CancellationToken.None))
                    _ = AnswerUdpAsync(socket, buffer.AsSpan(0, got.ReceivedBytes).ToArray(), got.RemoteEndPoint, places, cancel);
            }
            catch (SocketException e)
            {
                log.Warn("dns relay", e.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static async Task AnswerUdpAsync(Socket socket, byte[] question, EndPoint asker, SemaphoreSlim places, CancellationToken cancel)
    {
        try
        {
            foreach (var server in Upstreams())
            {
                using var upstream = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                limit.CancelAfter(AnswerLimit);
                try
                {
                    await upstream.ConnectAsync(new IPEndPoint(server, Port), limit.Token);
                    await upstream.SendAsync(question, limit.Token);
                    var answer = new byte[65535];
                    int length = await upstream.ReceiveAsync(answer, limit.Token);
                    await socket.SendToAsync(answer.AsMemory(0, length), asker, cancel);
                    return;
                }
                catch (Exception e) when (e is SocketException or OperationCanceledException && !cancel.IsCancellationRequested)
                {
                    // The next server may answer.
                }
            }

            Refuse(question);
            await socket.SendToAsync(question, asker, cancel);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
        finally
        {
            places.Release();
        }
    }

    /// <summary>Turns a question into its own answer SERVFAIL (RFC 1035 section 4.1.1), so that the asker need not wait.</summary>
    internal static void Refuse(byte[] message)
    {
        if (message.Length < 12)
            return;
        message[2] |= 0x80;
        message[3] = (byte)((message[3] & 0x70) | 0x82);
    }

    private async Task TcpAsync(IPAddress address, CancellationToken cancel)
    {
        using var listener = network.ListenInUnderlay(address, Port);
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                _ = AnswerTcpAsync(await listener.AcceptAsync(cancel), cancel);
            }
            catch (SocketException e)
            {
                log.Warn("dns relay", e.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static async Task AnswerTcpAsync(Socket asker, CancellationToken cancel)
    {
        using (asker)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(TimeSpan.FromSeconds(30));
            try
            {
                if (Upstreams() is not [var server, ..])
                    return;
                using var upstream = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                await upstream.ConnectAsync(new IPEndPoint(server, Port), limit.Token);
                await using var a = new NetworkStream(asker);
                await using var b = new NetworkStream(upstream);
                await Task.WhenAny(a.CopyToAsync(b, limit.Token), b.CopyToAsync(a, limit.Token));
            }
            catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
            {
            }
        }
    }

    /// <summary>The machine's own servers (resolv.conf(5)), read each time: they change with its network.</summary>
    private static IReadOnlyList<IPAddress> Upstreams()
    {
        try
        {
            return ParseServers(File.ReadLines("/etc/resolv.conf"));
        }
        catch (IOException)
        {
            return [];
        }
    }

    internal static IReadOnlyList<IPAddress> ParseServers(IEnumerable<string> lines) =>
    [
        .. lines.Select(l => l.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(w => w.Length > 1 && w[0] == "nameserver")
            .Select(w => IPAddress.TryParse(w[1], out var a) ? a : null).OfType<IPAddress>(),
    ];
}
