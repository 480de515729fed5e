using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Weft.Kernel.Namespaces;
using Weft.Reconcile.Tests.Nftables;

namespace Weft.Reconcile.Tests.Datapath;

/// <summary>
/// One node with pods at 10.244.1.2 and on, and a host outside at 172.30.0.200, as namespaces that threads of this process hold. The
/// node is 172.30.0.11. Links and routes are made by ip(8): nftables is what is under test here.
/// </summary>
internal sealed class SmallNode : IDisposable
{
    private readonly List<PrivateNamespace> _namespaces = [];
    private readonly List<string> _names = [];
    private readonly Dictionary<string, NetNamespace> _open = [];

    private SmallNode(int pods)
    {
        var node = Add("node");
        Ip(node, "link set lo up");
        var outside = Add("outside");
        Ip(node, $"link add eth0 type veth peer name eth0 netns {outside.ThreadId}\nlink set eth0 up\naddress add 172.30.0.11/24 dev eth0\nroute add default via 172.30.0.200");
        Ip(outside, "link set lo up\nlink set eth0 up\naddress add 172.30.0.200/24 dev eth0");
        for (var i = 0; i < pods; i++)
        {
            var pod = Add(PodName(i));
            var (link, address) = (Link(i), Address(i));
            Ip(node, $"link add {link} type veth peer name eth0 netns {pod.ThreadId}\nlink set {link} up\naddress add 169.254.1.1/32 dev {link}\nroute add {address}/32 dev {link}");
            Ip(pod, $"link set lo up\nlink set eth0 up\naddress add {address}/32 dev eth0\nroute add 169.254.1.1 dev eth0\nroute add default via 169.254.1.1");
        }
        this["node"].Run(() => File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1"));
    }

    public static IPAddress OutsideAddress { get; } = IPAddress.Parse("172.30.0.200");

    public string NodePath => _open["node"].Path;

    public NetNamespace this[string name] => _open[name];

    public static string PodName(int pod) => string.Create(CultureInfo.InvariantCulture, $"pod{pod}");

    public static string Link(int pod) => string.Create(CultureInfo.InvariantCulture, $"weftpod{pod}");

    public static IPAddress Address(int pod) => new([10, 244, 1, (byte)(pod + 2)]);

    /// <summary>Skips the test visibly without root.</summary>
    public static SmallNode CreateOrSkip(int pods)
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "needs root: makes network namespaces and links in them");
        Skip.IfNot(File.Exists("/usr/sbin/ip") && File.Exists("/usr/bin/nsenter"), "needs ip (iproute2) and nsenter (util-linux)");
        return new SmallNode(pods);
    }

    /// <summary>A raw socket of a protocol that .NET does not know.</summary>
    public Socket Raw(string name, int protocol) => this[name].Run(() =>
    {
        const int family = 2, raw = 3;
        var descriptor = RawSocket(family, raw, protocol);
        return descriptor >= 0
            ? new Socket(new SafeSocketHandle(descriptor, ownsHandle: true))
            : throw new InvalidOperationException($"socket: {Marshal.GetLastPInvokeErrorMessage()}");
    });

    /// <summary>Serves TCP and UDP on a port of a pod until disposal: the answer is "POD CLIENTADDRESS".</summary>
    public void Serve(int pod, int port)
    {
        var tcp = this[PodName(pod)].Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        tcp.Bind(new IPEndPoint(IPAddress.Any, port));
        tcp.Listen(64);
        _ = Task.Run(async () =>
        {
            while (true)
                _ = Echo(await tcp.AcceptAsync(), pod);
        });
        var udp = this[PodName(pod)].Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        udp.Bind(new IPEndPoint(IPAddress.Any, port));
        _ = Task.Run(async () =>
        {
            var buffer = new byte[100];
            while (true)
            {
                var received = await udp.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                await udp.SendToAsync(System.Text.Encoding.ASCII.GetBytes($"{PodName(pod)} {((IPEndPoint)received.RemoteEndPoint).Address}"), received.RemoteEndPoint);
            }
        });
    }

    /// <summary>Connects and asks once. The words "refused" and "silent" tell what else happened.</summary>
    public string AskTcp(string from, IPAddress address, int port, int patienceMilliseconds = 5000)
    {
        using var socket = Connect(from, address, port, out var failure, patienceMilliseconds);
        return socket is null ? failure! : Ask(socket);
    }

    public Socket? Connect(string from, IPAddress address, int port, out string? failure, int patienceMilliseconds = 5000)
    {
        var socket = this[from].Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.ReceiveTimeout = 5000;
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(patienceMilliseconds));
        try
        {
            socket.ConnectAsync(new IPEndPoint(address, port), patience.Token).AsTask().GetAwaiter().GetResult();
            failure = null;
            return socket;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            failure = e is SocketException { SocketErrorCode: SocketError.ConnectionRefused } ? "refused" : e is OperationCanceledException ? "silent" : e.Message;
            return null;
        }
    }

    public static string Ask(Socket socket)
    {
        socket.Send("?"u8);
        var buffer = new byte[100];
        return System.Text.Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
    }

    public string AskUdp(string from, IPAddress address, int port, int patienceMilliseconds = 5000)
    {
        using var socket = this[from].Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.ReceiveTimeout = patienceMilliseconds;
        socket.Connect(new IPEndPoint(address, port));
        try
        {
            return Ask(socket);
        }
        catch (SocketException e)
        {
            // A reject in the output hook also fails the sender's own call, with EPERM (net/ipv4/ip_output.c, ip_send_skb).
            return e.SocketErrorCode switch
            {
                SocketError.ConnectionRefused or SocketError.AccessDenied => "refused",
                SocketError.TimedOut or SocketError.WouldBlock => "silent",
                _ => $"{from}: {e.Message}",
            };
        }
    }

    /// <summary>Makes a host send packets for 127.0.0.2 to a neighbor, as one that wants in at the neighbor's loopback would.</summary>
    public void SendLoopbackOut(string name, string neighbor)
    {
        var space = _namespaces[_names.IndexOf(name)];
        this[name].Run(() => File.WriteAllText("/proc/sys/net/ipv4/conf/all/route_localnet", "1"));
        Ip(space, $"rule add pref 10 to 127.0.0.2 lookup 100\nrule add pref 11 lookup local\nrule del pref 0\nroute add 127.0.0.2/32 via {neighbor} dev eth0 src {(name == "outside" ? "172.30.0.200" : Address(int.Parse(name[3..], CultureInfo.InvariantCulture)).ToString())} table 100");
    }

    public void Dispose()
    {
        foreach (var space in _open.Values)
            space.Dispose();
        foreach (var space in _namespaces)
            space.Dispose();
    }

    private static async Task Echo(Socket client, int pod)
    {
        using (client)
        {
            var buffer = new byte[100];
            var answer = System.Text.Encoding.ASCII.GetBytes($"{PodName(pod)} {((IPEndPoint)client.RemoteEndPoint!).Address}");
            try
            {
                while (await client.ReceiveAsync(buffer) > 0)
                    await client.SendAsync(answer);
            }
            catch (SocketException)
            {
                // The client left in its own way.
            }
        }
    }

    private PrivateNamespace Add(string name)
    {
        var space = PrivateNamespace.CreateOrSkip();
        _namespaces.Add(space);
        _names.Add(name);
        _open.Add(name, NetNamespace.Open(space.Path));
        return space;
    }

    [DllImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static extern int RawSocket(int family, int type, int protocol);

    private static void Ip(PrivateNamespace space, string commands)
    {
        var start = new ProcessStartInfo("/usr/bin/nsenter") { RedirectStandardInput = true, RedirectStandardError = true };
        foreach (var argument in new[] { $"--net={space.Path}", "/usr/sbin/ip", "-batch", "-" })
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        process.StandardInput.WriteLine(commands);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"ip: {error}\n{commands}");
    }
}
