using System.Net;
using System.Net.Sockets;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Routing;

namespace Weft.Kernel.Tests;

/// <summary>Namespaces for one test, removed after it. Skips, visibly, without root.</summary>
public sealed class RealNamespaces : IDisposable
{
    private static int _counter;
    private readonly List<(string Name, NetNamespace Network, RouteNetlink Netlink)> _made = [];

    public RealNamespaces() => RequireRoot();

    public static void RequireRoot() => Skip.IfNot(Environment.UserName == "root", "needs root: network namespaces are made");

    /// <summary>A new namespace with loopback up.</summary>
    public (NetNamespace Network, RouteNetlink Netlink) Add()
    {
        var name = $"weft-test-{Environment.ProcessId}-{Interlocked.Increment(ref _counter)}";
        var network = NetNamespace.Create(name);
        var netlink = RouteNetlink.Open(network);
        _made.Add((name, network, netlink));
        netlink.ExecuteAll(new SetLink("lo", Up: true));
        return (network, netlink);
    }

    public void Dispose()
    {
        foreach (var (name, network, netlink) in _made)
        {
            netlink.Dispose();
            network.Dispose();
            NetNamespace.Delete(name);
        }
    }

    /// <summary>Sends one datagram from one namespace and waits for it and the answer to it.</summary>
    public static bool Exchange(NetNamespace from, NetNamespace to, IPAddress address, int milliseconds = 500, int attempts = 20)
    {
        // The first datagrams may be lost while a fresh link's own addresses are still tentative (RFC 4862 section 5.4).
        for (var i = 0; i < attempts; i++)
        {
            if (ExchangeOnce(from, to, address, milliseconds))
                return true;
        }
        return false;
    }

    private static bool ExchangeOnce(NetNamespace from, NetNamespace to, IPAddress address, int milliseconds)
    {
        using var server = to.Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(address, 0));
        server.ReceiveTimeout = milliseconds;
        using var client = from.Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        client.ReceiveTimeout = milliseconds;
        try
        {
            client.SendTo("ping"u8, server.LocalEndPoint!);
            var buffer = new byte[16];
            EndPoint source = new IPEndPoint(address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
            var size = server.ReceiveFrom(buffer, ref source);
            server.SendTo(buffer.AsSpan(0, size), source);
            return client.Receive(buffer) == 4;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
