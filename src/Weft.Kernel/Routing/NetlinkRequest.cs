using System.Net;
using Weft.Kernel.Namespaces;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Kernel.Routing;

/// <summary>One change asked of the kernel. Links go by name; what a name stands for is looked up when the request is carried out.</summary>
public abstract record NetlinkRequest
{
    /// <summary>What is done to what, for error texts: <c>add route 10.244.1.0/24 via 10.244.1.0 dev weft.vxlan</c>.</summary>
    public abstract string Describe();

    public sealed override string ToString() => Describe();
}

/// <summary>
/// Makes a veth pair in one step, the other end born in <paramref name="PeerNamespace"/> (this one when null) under its final name. EEXIST
/// when either name is taken.
/// </summary>
/// <param name="Up">
/// Bring this end up. The other end stays down and must be set up in its own namespace: while the pair is made neither end has a peer yet, and
/// drivers/net/veth.c refuses to open one without (ENOTCONN).
/// </param>
public sealed record AddVeth(
    string Name, int Mtu, MacAddress? Mac, string PeerName, MacAddress? PeerMac, NetNamespace? PeerNamespace, bool Up = true) : NetlinkRequest
{
    public override string Describe() => $"add veth {Name} with peer {PeerName}{(PeerNamespace is null ? "" : $" in {PeerNamespace.Path}")}";
}

/// <summary>Makes a VXLAN device without learning, and brings it up.</summary>
public sealed record AddVxlan(VxlanLink Link) : NetlinkRequest
{
    public override string Describe() => $"add vxlan {Link.Name} (VNI {Link.Vni}, port {Link.Port}, local {Link.Local}, dev {Link.Underlay})";
}

/// <summary>Makes a bridge, and brings it up.</summary>
public sealed record AddBridge(string Name, int? Mtu = null, MacAddress? Mac = null) : NetlinkRequest
{
    public override string Describe() => $"add bridge {Name}";
}

/// <summary>Changes what is given of an existing link. <paramref name="Master"/> is a bridge's name, or empty to leave the bridge.</summary>
public sealed record SetLink(
    string Name, bool? Up = null, int? Mtu = null, MacAddress? Mac = null, string? Master = null, string? NewName = null,
    NetNamespace? MoveTo = null) : NetlinkRequest
{
    public override string Describe() =>
        $"set link {Name}{(Up is { } up ? up ? " up" : " down" : "")}{(Mtu is { } mtu ? $" mtu {mtu}" : "")}{(Mac is { } mac ? $" address {mac}" : "")}"
        + $"{(Master is { } master ? master.Length > 0 ? $" master {master}" : " nomaster" : "")}{(NewName is { } name ? $" name {name}" : "")}"
        + $"{(MoveTo is { } to ? $" netns {to.Path}" : "")}";
}

/// <summary>
/// Keeps the kernel from giving an IPv6 link-local address to a link by itself (IN6_ADDR_GEN_MODE_NONE), or lets it do so again.
/// </summary>
public sealed record SetLinkLocal(string Name, bool Automatic) : NetlinkRequest
{
    public override string Describe() => $"set link {Name} addrgenmode {(Automatic ? "eui64" : "none")}";
}

/// <summary>Deletes a link; a veth's other end goes with it. ENODEV when there is none.</summary>
public sealed record DeleteLink(string Name) : NetlinkRequest
{
    public override string Describe() => $"delete link {Name}";
}

/// <summary>
/// Adds an address. IPv6 addresses skip duplicate address detection, so that they can be used at once, and neither family gets a prefix
/// route unless asked. Repeating it changes nothing.
/// </summary>
/// <param name="PrefixRoute">Let the kernel add the route to the address's prefix.</param>
/// <param name="Protocol">
/// IFA_PROTO, who owns the address; with <see cref="WeftRouting.Protocol"/> the reconciler deletes it when nobody wants it any more.
/// </param>
public sealed record AddAddress(LinkAddress Address, bool PrefixRoute = false, byte Protocol = 0) : NetlinkRequest
{
    public override string Describe() => $"add address {Address.Address}/{Address.PrefixLength} dev {Address.Link}";
}

/// <summary>Deletes an address. EADDRNOTAVAIL when there is none.</summary>
public sealed record DeleteAddress(LinkAddress Address) : NetlinkRequest
{
    public override string Describe() => $"delete address {Address.Address}/{Address.PrefixLength} dev {Address.Link}";
}

/// <summary>
/// Adds a route to the main table, in place of one with the same destination and metric. A route without a gateway has link scope.
/// </summary>
/// <param name="Protocol">rtm_protocol; <see cref="WeftRouting.Protocol"/> marks a route as Weft's.</param>
/// <param name="Metric">RTA_PRIORITY; 0 is the family's default (0, or 1024 for IPv6).</param>
/// <param name="Mtu">RTAX_MTU in bytes.</param>
/// <param name="AdvertisedMss">RTAX_ADVMSS in bytes.</param>
public sealed record ReplaceRoute(Route Route, byte Protocol = WeftRouting.Protocol, int Metric = 0, int? Mtu = null, int? AdvertisedMss = null)
    : NetlinkRequest
{
    public override string Describe() => $"set route {RouteText.Of(Route)}";
}

/// <summary>Deletes a route with this destination, link, gateway and protocol. ESRCH when there is none.</summary>
public sealed record DeleteRoute(Route Route, byte Protocol = WeftRouting.Protocol, int Metric = 0) : NetlinkRequest
{
    public override string Describe() => $"delete route {RouteText.Of(Route)}";
}

/// <summary>Sets a permanent neighbor entry, in place of any for the same address.</summary>
public sealed record ReplaceNeighbor(Neighbor Neighbor) : NetlinkRequest
{
    public override string Describe() => $"set neighbor {Neighbor.Address} lladdr {Neighbor.Mac} dev {Neighbor.Link}";
}

/// <summary>Deletes a neighbor entry. ENOENT when there is none.</summary>
public sealed record DeleteNeighbor(string Link, IPAddress Address) : NetlinkRequest
{
    public override string Describe() => $"delete neighbor {Address} dev {Link}";
}

/// <summary>Sets where a VXLAN device sends frames for a hardware address.</summary>
public sealed record ReplaceForwarding(ForwardingEntry Entry) : NetlinkRequest
{
    public override string Describe() => $"set forwarding entry {Entry.Mac} dst {Entry.Destination} dev {Entry.Link}";
}

/// <summary>Deletes a forwarding entry. ENOENT when there is none.</summary>
public sealed record DeleteForwarding(ForwardingEntry Entry) : NetlinkRequest
{
    public override string Describe() => $"delete forwarding entry {Entry.Mac} dst {Entry.Destination} dev {Entry.Link}";
}

/// <summary>How Weft marks what it owns.</summary>
public static class WeftRouting
{
    /// <summary>rtm_protocol of Weft's routes and IFA_PROTO of its addresses; unassigned in include/uapi/linux/rtnetlink.h and iproute2's rt_protos.</summary>
    public const byte Protocol = 87;

    /// <summary>Links with this prefix are Weft's.</summary>
    public const string LinkPrefix = "weft";
}

internal static class RouteText
{
    internal static string Of(Route route) =>
        $"{route.Destination}{(route.Gateway is { } gateway ? $" via {gateway}" : "")} dev {route.Link}{(route.OnLink ? " onlink" : "")}"
        + $"{(route.Source is { } source ? $" src {source}" : "")}";
}
