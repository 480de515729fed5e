using System.Net;
using System.Net.Sockets;
using System.Text;
using Lab.Tests.Support;
using Weft.Model;

namespace Lab.Tests.Replay;

/// <summary>Servers that tell each client their name and the address that they see it with. SCTP is watched instead: the kernel may lack it.</summary>
internal sealed class EchoServers : IDisposable
{
    private readonly List<Socket> _sockets = [];

    /// <summary>Listens on each of the machine's addresses.</summary>
    public void Start(Machine machine, Protocol protocol, int port)
    {
        foreach (var address in machine.Addresses)
        {
            if (protocol == Protocol.Tcp)
                _ = AcceptAsync(Bound(machine, new IPEndPoint(address, port), SocketType.Stream, ProtocolType.Tcp), machine.Name);
            else if (protocol == Protocol.Udp)
                _ = AnswerAsync(Bound(machine, new IPEndPoint(address, port), SocketType.Dgram, ProtocolType.Udp), machine.Name);
        }
    }

    public void Dispose()
    {
        foreach (var socket in _sockets)
            socket.Dispose();
    }

    private Socket Bound(Machine machine, IPEndPoint at, SocketType type, ProtocolType protocol)
    {
        var socket = machine.Network.Socket(at.AddressFamily, type, protocol);
        _sockets.Add(socket);
        if (type == SocketType.Stream)
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(at);
        if (type == SocketType.Stream)
            socket.Listen(256);
        return socket;
    }

    private static async Task AcceptAsync(Socket listener, string name)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptAsync();
                _ = TellAsync(client, name);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Closed: the scenario is over.
        }
    }

    private static async Task TellAsync(Socket client, string name)
    {
        using (client)
        {
            try
            {
                await client.SendAsync(Words(name, client.RemoteEndPoint!));
                client.Shutdown(SocketShutdown.Send);
                // The client closes first, so that no port of the server's side is left waiting.
                await client.ReceiveAsync(new byte[1]);
            }
            catch (SocketException)
            {
                // A client that went away has nothing to be told.
            }
        }
    }

    private static async Task AnswerAsync(Socket socket, string name)
    {
        var buffer = new byte[512];
        var any = new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (true)
        {
            try
            {
                var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, any);
                await socket.SendToAsync(Words(name, received.RemoteEndPoint), SocketFlags.None, received.RemoteEndPoint);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.OperationAborted)
            {
                return;
            }
            catch (SocketException)
            {
                // An ICMP error for an answer: that client has gone, others may come.
            }
        }
    }

    private static byte[] Words(string name, EndPoint client) => Encoding.ASCII.GetBytes($"{name} {((IPEndPoint)client).Address}");
}
