using System.Net;
using Weft.Primitives;

namespace Weft.Model.Routing;

/// <summary>A hardware (MAC) address, EUI-48 in the low 48 bits.</summary>
public readonly record struct MacAddress(ulong Value)
{
    public override string ToString() =>
        string.Create(17, Value, static (span, value) =>
        {
            for (var i = 0; i < 6; i++)
            {
                var b = (byte)(value >> (40 - 8 * i));
                span[3 * i] = "0123456789abcdef"[b >> 4];
                span[3 * i + 1] = "0123456789abcdef"[b & 15];
                if (i < 5)
                    span[3 * i + 2] = ':';
            }
        });

    public static MacAddress Parse(string text) =>
        new(Convert.ToUInt64(text.Replace(":", "", StringComparison.Ordinal), 16));
}

/// <summary>A link that Weft owns in the node's namespace.</summary>
public abstract record Link(string Name, int Mtu);

/// <summary>
/// A VXLAN device without learning (RFC 7348): forwarding entries come from the Node objects.
/// <paramref name="Local"/> is the underlay address that the outer header carries and <paramref name="Underlay"/> its device.
/// </summary>
public sealed record VxlanLink(string Name, int Mtu, int Vni, int Port, IPAddress Local, string Underlay, MacAddress Mac)
    : Link(Name, Mtu);

/// <summary>The node's end of a pod's veth pair; made by the attachment, kept in shape by the reconciler.</summary>
public sealed record VethLink(string Name, int Mtu) : Link(Name, Mtu);

/// <summary>An address on a link in the node's namespace.</summary>
public sealed record LinkAddress(string Link, IPAddress Address, int PrefixLength);

/// <summary>
/// A route of the node's main table that Weft owns (rtm_protocol marks it). <paramref name="OnLink"/> is RTNH_F_ONLINK: the gateway is
/// reachable on the link without a covering route.
/// </summary>
public sealed record Route(
    IpPrefix Destination, string Link, IPAddress? Gateway = null, bool OnLink = false, IPAddress? Source = null, bool LinkScope = false);

/// <summary>A permanent neighbor entry (ARP, NDP).</summary>
public sealed record Neighbor(string Link, IPAddress Address, MacAddress Mac);

/// <summary>A bridge forwarding entry of a VXLAN device: inner MAC to outer destination.</summary>
public sealed record ForwardingEntry(string Link, MacAddress Mac, IPAddress Destination);

/// <summary>A value under /proc/sys, path relative to it with slashes (net/ipv4/ip_forward).</summary>
public sealed record Sysctl(string Path, string Value);

/// <summary>All that the routing compiler wants of the node's namespace.</summary>
public sealed record RoutingState(
    EquatableArray<Link> Links,
    EquatableArray<LinkAddress> Addresses,
    EquatableArray<Route> Routes,
    EquatableArray<Neighbor> Neighbors,
    EquatableArray<ForwardingEntry> Forwarding,
    EquatableArray<Sysctl> Sysctls)
{
    public EquatableArray<Shaper> Shapers { get; init; } = [];

    public EquatableArray<Redirect> Redirects { get; init; } = [];
}
