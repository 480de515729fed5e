using System.Net;
using System.Net.Sockets;
using Weft.Kernel;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;
using Weft.Lab.Topology;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Lab.Network;

/// <summary>
/// The machines of a lab: an underlay with a bridge, a namespace a node and one for the outside host, each with eth0 on the bridge.
/// The bridge's own address is everyone's default gateway, and beyond it is nothing, so that what leaves gets an ICMP error at once.
/// </summary>
internal sealed class LabNetwork(LabTopology topology)
{
    public const string Bridge = "br0";

    public const string UnderlayLink = "eth0";

    /// <summary>RTPROT_STATIC: an administrator's route, which the agents leave alone.</summary>
    private const byte StaticRoute = 4;

    private readonly LabPaths _paths = new(topology.Name);

    /// <summary>The underlay with its bridge, without machines on it.</summary>
    public void EnsureUnderlay()
    {
        using var underlay = OpenOrCreate(_paths.UnderlayNamespace);
        using var port = RouteNetlink.Open(underlay);
        if (port.FindLink(Bridge) is null)
            MakeBridge(underlay, port);
    }

    /// <summary>Makes the machines that are missing; what is there already stays as it is.</summary>
    public void EnsureMachines(Action<int> machineDone)
    {
        using var underlay = NetNamespace.OpenNamed(_paths.UnderlayNamespace);
        using var port = RouteNetlink.Open(underlay);
        var machines = topology.Nodes.Select(n => (Name: _paths.NodeNamespace(n.Name), Port: $"node{n.Index + 1}", n.Addresses, IsNode: true))
            .Append((Name: _paths.OutsideNamespace, Port: "outside", Addresses: topology.OutsideAddresses.ToEquatableArray(), IsNode: false));
        int done = 0;
        Parallel.ForEach(machines, new ParallelOptions { MaxDegreeOfParallelism = 4 }, machine =>
        {
            EnsureMachine(port, machine.Name, machine.Port, machine.Addresses, machine.IsNode);
            machineDone(Interlocked.Increment(ref done));
        });
    }

    private void MakeBridge(NetNamespace underlay, INetlink port)
    {
        Set(underlay, forwarding: true);
        port.ExecuteAll([
            new SetLink("lo", Up: true),
            new AddBridge(Bridge, topology.Mtu),
            .. topology.BridgeAddresses.Select(a => new AddAddress(new LinkAddress(Bridge, a, PrefixLength(a)), PrefixRoute: true)),
        ]);
    }

    private void EnsureMachine(INetlink underlay, string name, string portName, IReadOnlyList<IPAddress> addresses, bool isNode)
    {
        using var space = OpenOrCreate(name);
        using var netlink = RouteNetlink.Open(space);
        if (netlink.FindLink(UnderlayLink) is not null && netlink.Addresses(UnderlayLink).Any(a => !a.LinkLocal))
            return;
        Set(space, forwarding: isNode);
        underlay.TryExecute(new DeleteLink(portName));
        underlay.ExecuteAll(
            new AddVeth(portName, topology.Mtu, null, UnderlayLink, null, space),
            new SetLink(portName, Master: Bridge));
        netlink.ExecuteAll([
            new SetLink("lo", Up: true),
            new SetLink(UnderlayLink, Up: true),
            .. addresses.Select(a => new AddAddress(new LinkAddress(UnderlayLink, a, PrefixLength(a)), PrefixRoute: true)),
            .. DefaultRoutes(),
        ]);
    }

    private IEnumerable<NetlinkRequest> DefaultRoutes() => topology.BridgeAddresses.Select(gateway => new ReplaceRoute(
        new Route(gateway.AddressFamily == AddressFamily.InterNetworkV6 ? IpPrefix.AllIPv6 : IpPrefix.AllIPv4, UnderlayLink, gateway),
        StaticRoute));

    private int PrefixLength(IPAddress address) => topology.UnderlayCidrs.First(c => c.Family == address.AddressFamily).Length;

    /// <summary>What a machine's administrator sets at boot. Router advertisements are off: addresses come from the plan alone.</summary>
    private void Set(NetNamespace space, bool forwarding)
    {
        var sysctls = new NamespaceSysctls(space);
        sysctls.Write("net/ipv4/ip_forward", forwarding ? "1" : "0");
        if (!topology.Family.HasIPv6() && sysctls.Read("net/ipv6/conf/all/forwarding") is null)
            return;
        sysctls.Write("net/ipv6/conf/all/forwarding", forwarding ? "1" : "0");
        // Duplicate address detection takes a second (RFC 4862 section 5.4); these addresses are unique by plan.
        foreach (string scope in new[] { "all", "default" })
        {
            sysctls.Write($"net/ipv6/conf/{scope}/accept_dad", "0");
            sysctls.Write($"net/ipv6/conf/{scope}/accept_ra", "0");
        }
    }

    private static NetNamespace OpenOrCreate(string name)
    {
        string path = NetNamespace.PathOf(name);
        if (NetNamespace.IsNetworkNamespace(path))
            return NetNamespace.Open(path);
        // A plain file is what a creation that was killed half-way leaves.
        if (File.Exists(path))
            NetNamespace.Delete(name);
        return NetNamespace.Create(name);
    }

    /// <summary>A listening TCP socket inside the underlay, at the bridge's address.</summary>
    /// <exception cref="SocketException">The port is taken there.</exception>
    public Socket ListenInUnderlay(IPAddress address, int port)
    {
        using var underlay = NetNamespace.OpenNamed(_paths.UnderlayNamespace);
        var socket = underlay.Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(512);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
