using Weft.Kernel.Namespaces;
using Weft.Kernel.Netlink;
using Weft.Model.Routing;
using Weft.Primitives;
using Weft.Wire.Netlink;

namespace Weft.Kernel.Routing;

/// <summary>rtnetlink of a real network namespace (rtnetlink(7)).</summary>
public sealed class RouteNetlink : INetlink
{
    private readonly Lock _gate = new();
    private readonly NetlinkConversation _conversation;
    private readonly RequestEncoder _encoder;
    private readonly HashSet<string> _changedNames = new(StringComparer.Ordinal);

    private RouteNetlink(NetlinkSocket socket)
    {
        _conversation = new NetlinkConversation(socket);
        _encoder = new RequestEncoder(ResolveForWrite);
    }

    private NetlinkSocket Socket => _conversation.Socket;

    /// <summary>Opens a socket in the namespace. The namespace lives at least as long as the socket.</summary>
    /// <exception cref="KernelException">The namespace cannot be entered, or there are no descriptors left.</exception>
    public static RouteNetlink Open(NetNamespace network) => new(NetlinkSocket.Open(network, NetlinkSocket.Route));

    public IReadOnlyList<NetlinkResult> Execute(IReadOnlyList<NetlinkRequest> requests)
    {
        var results = new NetlinkResult[requests.Count];
        lock (_gate)
        {
            for (var i = 0; i < requests.Count; i++)
                Add(requests[i], i, results);
            Flush();
        }
        return results;
    }

    public int? IndexOf(string name) => InterfaceNames.IndexOf(Socket, name);

    public IReadOnlyList<ObservedLink> Links()
    {
        var links = new List<LinkMessage>();
        lock (_gate)
        {
            _conversation.Dump("list links", RouteMessageType.GetLink,
                static (ref NetlinkWriter w) => { LinkMessage.WriteHeader(ref w); LinkMessage.WriteSkipStatistics(ref w); },
                payload => links.Add(LinkMessage.Parse(payload)), links.Clear);
        }
        var names = links.ToDictionary(l => l.Index, l => l.Name);
        return [.. links.Select(link => Observe(link, index => names.GetValueOrDefault(index)))];
    }

    public ObservedLink? FindLink(string name)
    {
        if (IndexOf(name) is not { } index)
            return null;
        LinkMessage? link = null;
        NetlinkResult result;
        lock (_gate)
        {
            result = _conversation.Get(RouteMessageType.GetLink,
                (ref NetlinkWriter w) => { LinkMessage.WriteHeader(ref w, index); LinkMessage.WriteSkipStatistics(ref w); },
                payload => link = LinkMessage.Parse(payload));
        }
        if (result.Errno == Errno.ENODEV)
            return null;
        return link is not null
            ? Observe(link, lower => InterfaceNames.NameOf(Socket, lower))
            : throw new KernelException($"read link {name}", result.Errno, result.Detail);
    }

    public IReadOnlyList<ObservedAddress> Addresses(string? link = null)
    {
        if (!Filter(link, out var index))
            return [];
        var names = new NameCache(Socket);
        var addresses = new List<ObservedAddress>();
        foreach (var family in Families)
        {
            DumpInto(addresses, "list addresses", RouteMessageType.GetAddress,
                (ref NetlinkWriter w) => AddressMessage.WriteDump(ref w, family, index),
                payload => Observe(AddressMessage.Parse(payload), names));
        }
        return addresses;
    }

    public IReadOnlyList<ObservedRoute> Routes(byte? protocol = null)
    {
        var names = new NameCache(Socket);
        var routes = new List<ObservedRoute>();
        foreach (var family in Families)
        {
            DumpInto(routes, "list routes", RouteMessageType.GetRoute,
                (ref NetlinkWriter w) => RouteMessage.WriteDump(ref w, family, (byte)RouteMessage.TableMain, protocol ?? 0),
                payload => Observe(RouteMessage.Parse(payload), names));
        }
        return routes;
    }

    public IReadOnlyList<ObservedNeighbor> Neighbors(string? link = null)
    {
        if (!Filter(link, out var index))
            return [];
        var names = new NameCache(Socket);
        var neighbors = new List<ObservedNeighbor>();
        foreach (var family in Families)
        {
            DumpInto(neighbors, "list neighbors", RouteMessageType.GetNeighbor,
                (ref NetlinkWriter w) => NeighborMessage.WriteDump(ref w, family, index),
                payload => Observe(NeighborMessage.Parse(payload), names));
        }
        return neighbors;
    }

    public IReadOnlyList<ForwardingEntry> ForwardingEntries(string link)
    {
        if (!Filter(link, out var index))
            return [];
        var entries = new List<ForwardingEntry>();
        DumpInto(entries, $"list forwarding entries of {link}", RouteMessageType.GetNeighbor,
            (ref NetlinkWriter w) => NeighborMessage.WriteDump(ref w, NetlinkFamily.Bridge, index),
            payload => NeighborMessage.Parse(payload) is { Destination: { } destination, Mac: { } mac } entry && entry.Link == index
                ? new ForwardingEntry(link, new MacAddress(mac), destination)
                : null);
        return entries;
    }

    public IReadOnlyList<ObservedQdisc> Qdiscs()
    {
        var names = new NameCache(Socket);
        var qdiscs = new List<ObservedQdisc>();
        DumpInto(qdiscs, "list queueing disciplines", RouteMessageType.GetQdisc,
            static (ref NetlinkWriter w) => TrafficControlMessage.WriteHeader(ref w, 0), payload => Observe(TrafficControlMessage.Parse(payload), names));
        return qdiscs;
    }

    public IReadOnlyList<ObservedRedirect> Redirects(string link)
    {
        if (!Filter(link, out var index))
            return [];
        var names = new NameCache(Socket);
        var redirects = new List<ObservedRedirect>();
        DumpInto(redirects, $"list filters of {link}", RouteMessageType.GetFilter,
            (ref NetlinkWriter w) => TrafficControlMessage.WriteHeader(ref w, index, parent: TrafficControlMessage.HandleIngress),
            // A u32 filter is listed with its hash tables, which do nothing: their handles have no node (net/sched/cls_u32.c, TC_U32_NODE).
            payload => TrafficControlMessage.Parse(payload) is var filter && filter.Handle != 0 && ((filter.Handle & 0xfff) != 0 || filter.Kind != "u32")
                ? new ObservedRedirect(link, filter.RedirectTo is > 0 and var to ? names[to] : null)
                : null);
        return redirects;
    }

    /// <summary>The number by which this namespace knows another (NETNSA_NSID); null when it has none.</summary>
    public int? NamespaceId(NetNamespace other)
    {
        var id = NamespaceIdMessage.NotAssigned;
        NetlinkResult result;
        lock (_gate)
        {
            result = _conversation.Get(RouteMessageType.GetNamespaceId,
                (ref NetlinkWriter w) => NamespaceIdMessage.WriteGet(ref w, other.Handle.Descriptor),
                payload => id = NamespaceIdMessage.Parse(payload));
        }
        if (!result.Succeeded)
            throw new KernelException($"read the id of network namespace {other.Path}", result.Errno, result.Detail);
        return id == NamespaceIdMessage.NotAssigned ? null : id;
    }

    public IAsyncEnumerable<NetlinkEvent> Monitor(NetlinkTopics topics, CancellationToken cancellation) =>
        new RouteMonitor(Socket, topics).ReadAsync(cancellation);

    public void Dispose()
    {
        lock (_gate)
            _conversation.Dispose();
    }

    internal static ReadOnlySpan<byte> Families => [NetlinkFamily.IPv4, NetlinkFamily.IPv6];

    internal static ObservedLink Observe(LinkMessage link, Func<int, string?> nameOf) => new(
        link.Index, link.Name, link.Kind, link.Mtu, link.Up, link.LowerUp, new MacAddress(link.Mac ?? 0), nameOf(link.Master),
        link.Vxlan is { } vxlan
            ? new VxlanParameters(vxlan.Vni, vxlan.Port, vxlan.Local, nameOf(vxlan.Underlay), vxlan.Learning)
            : null);

    internal static ObservedAddress? Observe(AddressMessage address, NameCache names) => names[address.Link] is { } name
        ? new ObservedAddress(new LinkAddress(name, address.Address, address.PrefixLength),
            (address.Flags & AddressMessage.FlagTentative) != 0, address.Scope == RouteMessage.ScopeLink, address.Protocol)
        : null;

    /// <returns>Null for what is no unicast route of the main table through one link.</returns>
    internal static ObservedRoute? Observe(RouteMessage route, NameCache names) =>
        route is { Table: RouteMessage.TableMain, Type: RouteMessage.TypeUnicast, Multipath: false }
        && (route.Flags & RouteMessage.FlagCloned) == 0 && names[route.Link] is { } name
            ? new ObservedRoute(
                new Route(route.Destination, name, route.Gateway, (route.Flags & RouteMessage.FlagOnLink) != 0, route.Source, route.Scope == RouteMessage.ScopeLink),
                route.Protocol, (int)route.Priority, (route.Flags & RouteMessage.FlagDead) != 0)
            : null;

    internal static ObservedNeighbor? Observe(NeighborMessage neighbor, NameCache names) =>
        neighbor.Destination is { } address && names[neighbor.Link] is { } name
            ? new ObservedNeighbor(name, address, neighbor.Mac is { } mac ? new MacAddress(mac) : null,
                (neighbor.State & NeighborMessage.StatePermanent) != 0)
            : null;

    internal static ObservedQdisc? Observe(TrafficControlMessage qdisc, NameCache names) => qdisc switch
    {
        { Kind: TrafficControlMessage.KindIngress } => names[qdisc.Link] is { } name ? new ObservedQdisc(name, qdisc.Kind) : null,
        { Kind: TrafficControlMessage.KindTokenBucket, Parent: TrafficControlMessage.ParentRoot, TokenBucket: { } bucket } => names[qdisc.Link] is { } name
            ? new ObservedQdisc(name, qdisc.Kind, new Shaper(name, (long)Math.Min(bucket.Rate, long.MaxValue), bucket.Burst, bucket.Limit))
            : null,
        _ => null,
    };

    private bool Filter(string? link, out int index)
    {
        index = link is null ? 0 : IndexOf(link) ?? -1;
        return index >= 0;
    }

    private void DumpInto<T>(List<T> list, string operation, ushort type, WriteBody body, Parser<T> parse) where T : class
    {
        var start = list.Count;
        try
        {
            lock (_gate)
            {
                _conversation.Dump(operation, type, body,
                    payload =>
                    {
                        if (parse(payload) is { } item)
                            list.Add(item);
                    },
                    () => list.RemoveRange(start, list.Count - start));
            }
        }
        catch (KernelException e) when (e.Errno is Errno.ENOENT or Errno.EOPNOTSUPP or Errno.EAFNOSUPPORT or Errno.ENODEV)
        {
            // The routing table was never used, the kernel has no IPv6, or the link has gone: there is nothing to list.
        }
    }

    private void Add(NetlinkRequest request, int index, NetlinkResult[] results)
    {
        try
        {
            var encoded = _encoder.Encode(request);
            _conversation.Add(encoded.Type, encoded.Flags, encoded.Body, result => results[index] = result);
            _changedNames.UnionWith(RequestEncoder.ChangedNames(request));
        }
        catch (UnknownLinkException e)
        {
            results[index] = new NetlinkResult(Errno.ENODEV, e.Message);
        }
        catch (Exception e) when (e is NetlinkFormatException or OverflowException)
        {
            results[index] = new NetlinkResult(Errno.EINVAL, e.Message);
        }
    }

    /// <summary>Index of a link that a request names; what is still waiting to be sent may be what makes it.</summary>
    private int ResolveForWrite(string name)
    {
        if (_changedNames.Contains(name))
            Flush();
        return IndexOf(name) ?? throw new UnknownLinkException(name);
    }

    private void Flush()
    {
        _changedNames.Clear();
        _conversation.Flush();
    }

    private delegate T? Parser<T>(ReadOnlySpan<byte> payload) where T : class;
}

/// <summary>Names of interface indexes, each asked of the kernel once.</summary>
internal class NameCache(NetlinkSocket socket)
{
    private readonly Dictionary<int, string?> _names = [];

    internal virtual string? this[int index] =>
        _names.TryGetValue(index, out var name) ? name : _names[index] = InterfaceNames.NameOf(socket, index);
}

/// <summary>
/// Names for announcements, which may be read when the link that they are about has gone: its last known name then, or else its number.
/// </summary>
internal sealed class LastKnownNames(NetlinkSocket socket) : NameCache(socket)
{
    private readonly NetlinkSocket _socket = socket;
    private readonly Dictionary<int, string> _known = [];

    internal override string? this[int index] => index <= 0
        ? null
        : InterfaceNames.NameOf(_socket, index) is { } name ? _known[index] = name : _known.GetValueOrDefault(index, $"#{index}");

    internal void Learn(int index, string name) => _known[index] = name;

    internal void Forget(int index) => _known.Remove(index);
}
