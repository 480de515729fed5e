using System.Net;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Compile.Tracing;

/// <summary>Where a route leads.</summary>
internal abstract record Hop
{
    public sealed record Local : Hop;

    public sealed record Pod(string Link) : Hop;

    public sealed record Tunnel(IPAddress Remote) : Hop;

    public sealed record Underlay : Hop;

    public sealed record None(string Why) : Hop;
}

/// <summary>One node as the tracer sees it: its desired state taken as if the kernel were there already.</summary>
internal sealed class TracedNode : INodeFacts
{
    private readonly DesiredState _state;
    private readonly HashSet<IPAddress> _local = [];
    private readonly EquatableArray<IPAddress> _underlay;
    private readonly List<Route> _routes;
    private readonly Dictionary<IpPrefix, Route> _hosts;
    private readonly HashSet<string> _podLinks;
    private readonly HashSet<string> _routeLocalnet;

    /// <param name="config">The node's configuration.</param>
    /// <param name="state">What was compiled for it.</param>
    /// <param name="underlay">Its addresses on the underlay.</param>
    public TracedNode(NodeConfig config, DesiredState state, EquatableArray<IPAddress> underlay)
    {
        Config = config;
        _state = state;
        _underlay = underlay;
        _local.UnionWith(underlay);
        _local.UnionWith(state.Routing.Addresses.Select(a => a.Address));
        _hosts = state.Routing.Routes.Where(r => r.Destination.IsHost).ToDictionary(r => r.Destination);
        _routes = [.. state.Routing.Routes.Where(r => !r.Destination.IsHost).OrderByDescending(r => r.Destination.Length)];
        _podLinks = [.. state.Routing.Links.OfType<VethLink>().Select(l => l.Name)];
        _routeLocalnet = [.. state.Routing.Sysctls
            .Where(s => s.Value == "1" && s.Path.StartsWith("net/ipv4/conf/", StringComparison.Ordinal) && s.Path.EndsWith("/route_localnet", StringComparison.Ordinal))
            .Select(s => s.Path.Split('/')[3])];
        Rules = new NftInterpreter(state.Nft, this);
    }

    public NodeConfig Config { get; }

    public string Name => Config.NodeName;

    public NftInterpreter Rules { get; }

    /// <summary>Whether packets from or to the loopback address may cross a link (net/ipv4/route.c); IPv6 has nothing of the kind.</summary>
    public bool RoutesLoopback(string link) => link == "lo" || _routeLocalnet.Contains(link);

    public bool IsLocal(IPAddress address) => _local.Contains(address) || IPAddress.IsLoopback(address);

    public IPAddress? MasqueradeAddress(string link, bool ipv6) =>
        _state.Routing.Addresses.FirstOrDefault(a => a.Link == link && Family.IsIPv6(a.Address) == ipv6)?.Address ?? UnderlayAddress(ipv6);

    public IPAddress? UnderlayAddress(bool ipv6) => _underlay.FirstOrDefault(a => Family.IsIPv6(a) == ipv6);

    public Route? Route(IPAddress destination) =>
        _hosts.GetValueOrDefault(IpPrefix.Host(destination)) ?? _routes.Find(r => r.Destination.Contains(destination));

    /// <summary>The route lookup, and for the tunnel the neighbor and forwarding entries that finish it.</summary>
    public (Hop Hop, string Link) Lookup(IPAddress destination)
    {
        if (IsLocal(destination))
            return (new Hop.Local(), "lo");
        if (Route(destination) is not { } route)
        {
            return Config.ClusterCidrs.Any(c => c.Contains(destination))
                ? (new Hop.None($"{Name} has no route to {destination}, an address of the pod network"), "")
                : (new Hop.Underlay(), Config.UnderlayLink);
        }
        if (_podLinks.Contains(route.Link))
            return (new Hop.Pod(route.Link), route.Link);
        var gateway = route.Gateway ?? destination;
        if (_state.Routing.Neighbors.FirstOrDefault(n => n.Link == route.Link && n.Address.Equals(gateway)) is not { } neighbor)
            return (new Hop.None($"{Name} knows no neighbor {gateway} on {route.Link}"), route.Link);
        return _state.Routing.Forwarding.FirstOrDefault(f => f.Link == route.Link && f.Mac == neighbor.Mac) is { } entry
            ? (new Hop.Tunnel(entry.Destination), route.Link)
            : (new Hop.None($"{Name} has no forwarding entry for {neighbor.Mac} on {route.Link}"), route.Link);
    }

    /// <summary>The source address that a local process gets towards a destination.</summary>
    public IPAddress? SourceFor(IPAddress destination)
    {
        if (IsLocal(destination))
            return destination;
        var ipv6 = Family.IsIPv6(destination);
        var route = Route(destination);
        return route?.Source ?? (route is null ? UnderlayAddress(ipv6) : MasqueradeAddress(route.Link, ipv6));
    }

    /// <summary>The address of a pod's link here, to tell which pod a link belongs to.</summary>
    public string? LinkOf(IPAddress podAddress) =>
        _hosts.TryGetValue(IpPrefix.Host(podAddress), out var route) && _podLinks.Contains(route.Link) ? route.Link : null;
}
