using System.Net.Sockets;
using Weft.Kernel.Netlink;
using Weft.Model.Routing;
using Weft.Wire.Netlink;

namespace Weft.Kernel.Routing;

/// <summary>Type, flags and body of a request as a netlink message.</summary>
internal readonly record struct EncodedRequest(ushort Type, NetlinkFlags Flags, WriteBody Body);

/// <summary>A request names a link that is not there.</summary>
internal sealed class UnknownLinkException(string link) : Exception($"link '{link}' does not exist");

/// <summary>Turns requests into messages. <paramref name="indexOf"/> throws <see cref="UnknownLinkException"/>.</summary>
internal sealed class RequestEncoder(Func<string, int> indexOf)
{
    private const NetlinkFlags Make = NetlinkFlags.Create | NetlinkFlags.Exclusive;
    /// <summary>Major number of every token bucket; the same each time, so that setting one again changes it in place.</summary>
    private const uint ShaperHandle = 0x57_65_0000;
    private const NetlinkFlags Put = NetlinkFlags.Create | NetlinkFlags.Replace;

    /// <summary>Names that mean another link, or none, once the request is carried out.</summary>
    internal static IEnumerable<string> ChangedNames(NetlinkRequest request) => request switch
    {
        AddVeth r => r.PeerNamespace is null ? [r.Name, r.PeerName] : [r.Name],
        AddVxlan r => [r.Link.Name],
        AddBridge r => [r.Name],
        AddIfb r => [r.Link.Name],
        SetLink { NewName: { } name } r => [r.Name, name],
        SetLink { MoveTo: not null } r => [r.Name],
        DeleteLink r => [r.Name],
        _ => [],
    };

    internal EncodedRequest Encode(NetlinkRequest request) => request switch
    {
        AddVeth r => Veth(r),
        AddVxlan r => Vxlan(r.Link),
        AddBridge r => Bridge(r),
        AddIfb r => Ifb(r.Link),
        SetLink r => Link(r),
        SetLinkLocal r => LinkLocal(r),
        DeleteLink r => Delete(r),
        AddAddress r => Address(r),
        DeleteAddress r => new(RouteMessageType.DeleteAddress, NetlinkFlags.None, Address(r.Address, 0).Write),
        ReplaceRoute r => Route(r),
        DeleteRoute r => new(RouteMessageType.DeleteRoute, NetlinkFlags.None,
            Route(r.Route, r.Protocol, r.Metric, RouteMessage.ScopeNowhere).Write),
        ReplaceNeighbor r => Neighbor(r.Neighbor),
        DeleteNeighbor r => new(RouteMessageType.DeleteNeighbor, NetlinkFlags.None,
            new NeighborMessage(NeighborMessage.FamilyOf(r.Address), indexOf(r.Link), r.Address, null, 0).Write),
        ReplaceForwarding r => new(RouteMessageType.NewNeighbor, Put, Forwarding(r.Entry).Write),
        DeleteForwarding r => new(RouteMessageType.DeleteNeighbor, NetlinkFlags.None, Forwarding(r.Entry).Write),
        SetShaper r => Shaper(r.Shaper),
        DeleteShaper r => Qdisc(r.Link, TrafficControlMessage.ParentRoot),
        AddIngress r => Ingress(r.Link),
        DeleteIngress r => Qdisc(r.Link, TrafficControlMessage.ParentIngress),
        AddRedirect r => Redirect(r.Redirect),
        _ => throw new ArgumentException($"no encoding for {request.GetType().Name}", nameof(request)),
    };

    private static EncodedRequest Veth(AddVeth r) => new(RouteMessageType.NewLink, Make, (ref NetlinkWriter w) =>
    {
        LinkMessage.WriteHeader(ref w, up: r.Up ? true : null);
        LinkMessage.WriteCommon(ref w, r.Name, r.Mtu, r.Mac?.Value);
        LinkMessage.WriteVeth(ref w, r.PeerName, r.Mtu, r.PeerMac?.Value, r.PeerNamespace?.Handle.Descriptor);
    });

    private EncodedRequest Vxlan(VxlanLink link)
    {
        var attributes = new VxlanAttributes(link.Vni, checked((ushort)link.Port), link.Local, link.Underlay.Length == 0 ? 0 : indexOf(link.Underlay), false);
        return new(RouteMessageType.NewLink, Make, (ref NetlinkWriter w) =>
        {
            LinkMessage.WriteHeader(ref w, up: true);
            LinkMessage.WriteCommon(ref w, link.Name, link.Mtu, link.Mac.Value);
            LinkMessage.WriteVxlan(ref w, attributes);
        });
    }

    private static EncodedRequest Bridge(AddBridge r) => new(RouteMessageType.NewLink, Make, (ref NetlinkWriter w) =>
    {
        LinkMessage.WriteHeader(ref w, up: true);
        LinkMessage.WriteCommon(ref w, r.Name, r.Mtu, r.Mac?.Value);
        LinkMessage.WriteKind(ref w, "bridge");
    });

    private static EncodedRequest Ifb(IfbLink link) => new(RouteMessageType.NewLink, Make, (ref NetlinkWriter w) =>
    {
        LinkMessage.WriteHeader(ref w, up: true);
        LinkMessage.WriteCommon(ref w, link.Name, link.Mtu);
        LinkMessage.WriteKind(ref w, "ifb");
    });

    private EncodedRequest Shaper(Shaper shaper)
    {
        var index = indexOf(shaper.Link);
        var bucket = new TokenBucketOptions(checked((ulong)shaper.Rate), checked((uint)shaper.Burst), checked((uint)shaper.Limit));
        return new(RouteMessageType.NewQdisc, Put, (ref NetlinkWriter w) => TrafficControlMessage.WriteTokenBucket(ref w, index, ShaperHandle, bucket));
    }

    private EncodedRequest Ingress(string link)
    {
        var index = indexOf(link);
        return new(RouteMessageType.NewQdisc, Make, (ref NetlinkWriter w) => TrafficControlMessage.WriteIngress(ref w, index));
    }

    private EncodedRequest Qdisc(string link, uint parent)
    {
        var index = indexOf(link);
        return new(RouteMessageType.DeleteQdisc, NetlinkFlags.None, (ref NetlinkWriter w) => TrafficControlMessage.WriteHeader(ref w, index, parent: parent));
    }

    private EncodedRequest Redirect(Redirect redirect)
    {
        var (index, to) = (indexOf(redirect.Link), indexOf(redirect.To));
        return new(RouteMessageType.NewFilter, Make, (ref NetlinkWriter w) => TrafficControlMessage.WriteRedirect(ref w, index, to));
    }

    private EncodedRequest Link(SetLink r)
    {
        var index = indexOf(r.Name);
        int? master = r.Master switch { null => null, "" => 0, var name => indexOf(name) };
        return new(RouteMessageType.NewLink, NetlinkFlags.None, (ref NetlinkWriter w) =>
        {
            LinkMessage.WriteHeader(ref w, index, r.Up);
            LinkMessage.WriteCommon(ref w, r.NewName, r.Mtu, r.Mac?.Value, master, r.MoveTo?.Handle.Descriptor);
        });
    }

    private EncodedRequest LinkLocal(SetLinkLocal r)
    {
        var index = indexOf(r.Name);
        return new(RouteMessageType.NewLink, NetlinkFlags.None, (ref NetlinkWriter w) =>
        {
            LinkMessage.WriteHeader(ref w, index);
            LinkMessage.WriteAddressGeneration(ref w, r.Automatic ? (byte)0 : (byte)1);
        });
    }

    private EncodedRequest Delete(DeleteLink r)
    {
        var index = indexOf(r.Name);
        return new(RouteMessageType.DeleteLink, NetlinkFlags.None, (ref NetlinkWriter w) => LinkMessage.WriteHeader(ref w, index));
    }

    private EncodedRequest Address(AddAddress r)
    {
        var flags = r.PrefixRoute ? 0 : AddressMessage.FlagNoPrefixRoute;
        if (r.Address.Address.AddressFamily == AddressFamily.InterNetworkV6)
            flags |= AddressMessage.FlagNoDad;
        return new(RouteMessageType.NewAddress, Put, (Address(r.Address, flags) with { Protocol = r.Protocol }).Write);
    }

    private AddressMessage Address(LinkAddress address, uint flags) =>
        new(indexOf(address.Link), address.Address, checked((byte)address.PrefixLength), flags);

    private EncodedRequest Route(ReplaceRoute r)
    {
        // A next hop must be of a narrower scope than its route; without a gateway the destination is on the link
        // (net/ipv4/fib_semantics.c, fib_check_nh). IPv6 knows no scopes of routes.
        var link = r.Route.Gateway is null || r.Route.LinkScope;
        var scope = link && !r.Route.Destination.IsIPv6 ? RouteMessage.ScopeLink : RouteMessage.ScopeUniverse;
        var route = Route(r.Route, r.Protocol, r.Metric, scope) with { Mtu = r.Mtu, AdvertisedMss = r.AdvertisedMss };
        return new(RouteMessageType.NewRoute, Put, route.Write);
    }

    private RouteMessage Route(Route route, byte protocol, int metric, byte scope) => new(
        route.Destination, indexOf(route.Link), route.Gateway, route.Source, protocol, scope,
        Flags: route.OnLink ? RouteMessage.FlagOnLink : 0, Priority: (uint)metric);

    private EncodedRequest Neighbor(Neighbor neighbor) => new(RouteMessageType.NewNeighbor, Put, new NeighborMessage(
        NeighborMessage.FamilyOf(neighbor.Address), indexOf(neighbor.Link), neighbor.Address, neighbor.Mac.Value, NeighborMessage.StatePermanent).Write);

    /// <summary>NUD_NOARP with NUD_PERMANENT makes the entry static, so that it does not age (drivers/net/vxlan/vxlan_core.c).</summary>
    private NeighborMessage Forwarding(ForwardingEntry entry) => new(
        NetlinkFamily.Bridge, indexOf(entry.Link), entry.Destination, entry.Mac.Value,
        NeighborMessage.StateNoArp | NeighborMessage.StatePermanent, NeighborMessage.FlagSelf);
}
