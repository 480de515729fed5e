using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Kernel.Routing;

/// <summary>
/// A namespace's links and routes in memory, which refuses what the kernel would refuse: references to what is not there, gateways that cannot
/// be reached, source addresses that nobody has. Each request and each read is a call of the <see cref="FaultPlan"/>.
/// </summary>
public sealed class FakeNetlink(FaultPlan? faults = null) : INetlink
{
    private readonly FaultPlan _faults = faults ?? new FaultPlan();
    private readonly Channel<NetlinkEvent> _events = Channel.CreateUnbounded<NetlinkEvent>();
    private int _lastIndex = 1;

    /// <summary>State by what it refers to; tests may change it to make drift.</summary>
    public List<ObservedLink> LinkTable { get; } = [new ObservedLink(1, "lo", null, 65536, true, true, default)];

    public List<ObservedAddress> AddressTable { get; } = [];

    public List<ObservedRoute> RouteTable { get; } = [];

    public List<ObservedNeighbor> NeighborTable { get; } = [];

    public List<ForwardingEntry> ForwardingTable { get; } = [];

    public List<ObservedQdisc> QdiscTable { get; } = [];

    public List<ObservedRedirect> RedirectTable { get; } = [];

    public IReadOnlyList<NetlinkResult> Execute(IReadOnlyList<NetlinkRequest> requests)
    {
        var results = new NetlinkResult[requests.Count];
        for (var i = 0; i < requests.Count; i++)
        {
            var errno = _faults.Next();
            results[i] = errno != Errno.None ? new NetlinkResult(errno, "injected") : Carry(requests[i]);
            if (results[i].Succeeded)
                _faults.CountWrite();
        }
        return results;
    }

    public IReadOnlyList<ObservedLink> Links() => Read("list links", LinkTable);

    public ObservedLink? FindLink(string name) => Read($"read link {name}", LinkTable).FirstOrDefault(l => l.Name == name);

    public int? IndexOf(string name) => Find(name)?.Index;

    public IReadOnlyList<ObservedAddress> Addresses(string? link = null) =>
        Read("list addresses", AddressTable.Where(a => link is null || a.Address.Link == link));

    public IReadOnlyList<ObservedRoute> Routes(byte? protocol = null) =>
        Read("list routes", RouteTable.Where(r => protocol is null || r.Protocol == protocol));

    public IReadOnlyList<ObservedNeighbor> Neighbors(string? link = null) =>
        Read("list neighbors", NeighborTable.Where(n => link is null || n.Link == link));

    public IReadOnlyList<ForwardingEntry> ForwardingEntries(string link) =>
        Read($"list forwarding entries of {link}", ForwardingTable.Where(f => f.Link == link));

    public IReadOnlyList<ObservedQdisc> Qdiscs() => Read("list queueing disciplines", QdiscTable);

    public IReadOnlyList<ObservedRedirect> Redirects(string link) => Read($"list filters of {link}", RedirectTable.Where(r => r.Link == link));

    /// <summary>Announces a change to the monitor.</summary>
    public void Announce(NetlinkEvent change) => _events.Writer.TryWrite(change);

    public async IAsyncEnumerable<NetlinkEvent> Monitor(NetlinkTopics topics, [EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                if (!await _events.Reader.WaitToReadAsync(cancellation))
                    yield break;
            }
            catch (OperationCanceledException)
            {
                yield break;
            }
            while (_events.Reader.TryRead(out var change))
                yield return change;
        }
    }

    public void Dispose()
    {
    }

    private IReadOnlyList<T> Read<T>(string operation, IEnumerable<T> items)
    {
        _faults.Read(operation);
        return [.. items];
    }

    private NetlinkResult Carry(NetlinkRequest request) => request switch
    {
        AddVeth r => AddVeth(r),
        AddVxlan r => AddVxlan(r.Link),
        AddBridge r => AddLink(new(0, r.Name, "bridge", r.Mtu ?? 1500, true, true, r.Mac ?? default)),
        SetLink r => WithLink(r.Name, link => Set(link, r)),
        SetLinkLocal r => WithLink(r.Name, _ => default),
        DeleteLink r => WithLink(r.Name, Remove),
        AddAddress r => WithLink(r.Address.Link, _ => Add(r)),
        DeleteAddress r => WithLink(r.Address.Link, _ => Delete(r.Address)),
        ReplaceRoute r => WithLink(r.Route.Link, link => Replace(link, r)),
        DeleteRoute r => WithLink(r.Route.Link, _ => Removed(RouteTable.RemoveAll(o => IsSame(o, r)), Errno.ESRCH)),
        ReplaceNeighbor r => WithLink(r.Neighbor.Link, _ => Replace(r.Neighbor)),
        DeleteNeighbor r => WithLink(r.Link, _ => Removed(NeighborTable.RemoveAll(n => n.Link == r.Link && n.Address.Equals(r.Address)), Errno.ENOENT)),
        ReplaceForwarding r => WithLink(r.Entry.Link, link => Replace(link, r.Entry)),
        DeleteForwarding r => WithLink(r.Entry.Link, _ => Removed(ForwardingTable.RemoveAll(f => f == r.Entry), Errno.ENOENT)),
        AddIfb r => AddLink(new(0, r.Link.Name, "ifb", r.Link.Mtu, true, true, default)),
        SetShaper r => WithLink(r.Shaper.Link, _ => Set(r.Shaper)),
        DeleteShaper r => WithLink(r.Link, _ => Removed(QdiscTable.RemoveAll(q => q.Link == r.Link && q.Shaper is not null), Errno.ENOENT)),
        AddIngress r => WithLink(r.Link, _ => AddIngress(r.Link)),
        DeleteIngress r => WithLink(r.Link, _ => DeleteIngress(r.Link)),
        AddRedirect r => WithLink(r.Redirect.Link, _ => Add(r.Redirect)),
        _ => new NetlinkResult(Errno.EOPNOTSUPP),
    };

    private ObservedLink? Find(string name) => LinkTable.Find(l => l.Name == name);

    private NetlinkResult WithLink(string name, Func<ObservedLink, NetlinkResult> change) =>
        Find(name) is { } link ? change(link) : new NetlinkResult(Errno.ENODEV, $"link '{name}' does not exist");

    private static NetlinkResult Removed(int count, Errno errno) => new(count > 0 ? Errno.None : errno);

    private NetlinkResult AddLink(ObservedLink link)
    {
        if (Find(link.Name) is not null)
            return new NetlinkResult(Errno.EEXIST);
        LinkTable.Add(link with { Index = ++_lastIndex });
        return default;
    }

    private NetlinkResult AddVeth(AddVeth r)
    {
        if (r.PeerNamespace is null && (r.PeerName == r.Name || Find(r.PeerName) is not null))
            return new NetlinkResult(Errno.EEXIST);
        var result = AddLink(new(0, r.Name, "veth", r.Mtu, r.Up, false, r.Mac ?? default));
        if (result.Succeeded && r.PeerNamespace is null)
            AddLink(new(0, r.PeerName, "veth", r.Mtu, false, false, r.PeerMac ?? default));
        return result;
    }

    private NetlinkResult AddVxlan(VxlanLink link)
    {
        if (link.Underlay.Length > 0 && Find(link.Underlay) is null)
            return new NetlinkResult(Errno.ENODEV, $"link '{link.Underlay}' does not exist");
        if (LinkTable.Any(l => l.Vxlan is { } other && other.Vni == link.Vni && other.Port == link.Port))
            return new NetlinkResult(Errno.EEXIST, "A VXLAN device with the specified VNI already exists");
        return AddLink(new(0, link.Name, "vxlan", link.Mtu, true, true, link.Mac,
            Vxlan: new VxlanParameters(link.Vni, link.Port, link.Local, link.Underlay, false)));
    }

    private NetlinkResult Set(ObservedLink link, SetLink r)
    {
        if (r.Master is { Length: > 0 } master && Find(master)?.Kind != "bridge")
            return new NetlinkResult(Errno.EINVAL);
        if (r.MoveTo is not null)
            return Remove(link);
        LinkTable[LinkTable.IndexOf(link)] = link with
        {
            Up = r.Up ?? link.Up, Mtu = r.Mtu ?? link.Mtu, Mac = r.Mac ?? link.Mac, Name = r.NewName ?? link.Name,
            Master = r.Master switch { null => link.Master, "" => null, var name => name },
        };
        // Routes do not outlive their device's going down (net/ipv4/fib_frontend.c, fib_disable_ip).
        if (r.Up == false)
            RouteTable.RemoveAll(o => o.Route.Link == link.Name);
        return default;
    }

    private NetlinkResult Remove(ObservedLink link)
    {
        LinkTable.Remove(link);
        AddressTable.RemoveAll(a => a.Address.Link == link.Name);
        RouteTable.RemoveAll(r => r.Route.Link == link.Name);
        NeighborTable.RemoveAll(n => n.Link == link.Name);
        ForwardingTable.RemoveAll(f => f.Link == link.Name);
        QdiscTable.RemoveAll(q => q.Link == link.Name);
        RedirectTable.RemoveAll(r => r.Link == link.Name);
        // The filter stays without its device, and drops what it is given (net/sched/act_mirred.c, mirred_device_event).
        for (var i = 0; i < RedirectTable.Count; i++)
            RedirectTable[i] = RedirectTable[i].To == link.Name ? RedirectTable[i] with { To = null } : RedirectTable[i];
        return default;
    }

    private NetlinkResult Add(AddAddress r)
    {
        if (!AddressTable.Exists(a => a.Address == r.Address))
            AddressTable.Add(new ObservedAddress(r.Address, Protocol: r.Protocol));
        return default;
    }

    private NetlinkResult Delete(LinkAddress address)
    {
        // Routes that prefer an address as their source go with it (net/ipv4/fib_frontend.c, fib_sync_down_addr).
        RouteTable.RemoveAll(r => address.Address.Equals(r.Route.Source));
        return Removed(AddressTable.RemoveAll(a => a.Address == address), Errno.EADDRNOTAVAIL);
    }

    private NetlinkResult Replace(ObservedLink link, ReplaceRoute r)
    {
        var route = r.Route;
        if (!link.Up)
            return new NetlinkResult(Errno.ENETDOWN, "Device for nexthop is not up");
        if (route.OnLink && route.Gateway is null)
            return new NetlinkResult(Errno.EINVAL, "Invalid flags for nexthop - can not be onlink without a gateway");
        if (route.Gateway is { } gateway && !route.OnLink && !IsReachable(link.Name, gateway))
            return new NetlinkResult(Errno.ENETUNREACH, "Nexthop has invalid gateway");
        if (route.Source is { } source && !AddressTable.Exists(a => a.Address.Address.Equals(source)))
            return new NetlinkResult(Errno.EINVAL, "Invalid prefsrc address");
        var v6 = route.Destination.IsIPv6;
        var metric = r.Metric == 0 && v6 ? 1024 : r.Metric;
        RouteTable.RemoveAll(o => o.Route.Destination == route.Destination && o.Metric == metric);
        RouteTable.Add(new ObservedRoute(route with { LinkScope = !v6 && (route.Gateway is null || route.LinkScope) }, r.Protocol, metric));
        return default;
    }

    /// <summary>By a prefix on the link, whether from an address of it or from a route without a gateway; by nothing for link-local addresses.</summary>
    private bool IsReachable(string link, IPAddress gateway) =>
        gateway.IsIPv6LinkLocal
        || AddressTable.Exists(a => a.Address.Link == link && new IpPrefix(a.Address.Address, a.Address.PrefixLength).Contains(gateway))
        || RouteTable.Exists(r => r.Route.Link == link && r.Route.Gateway is null && r.Route.Destination.Contains(gateway));

    private static bool IsSame(ObservedRoute observed, DeleteRoute r) =>
        observed.Route.Destination == r.Route.Destination && observed.Route.Link == r.Route.Link && observed.Protocol == r.Protocol
        && (r.Route.Gateway is null || r.Route.Gateway.Equals(observed.Route.Gateway)) && (r.Metric == 0 || r.Metric == observed.Metric);

    private NetlinkResult Replace(Neighbor neighbor)
    {
        NeighborTable.RemoveAll(n => n.Link == neighbor.Link && n.Address.Equals(neighbor.Address));
        NeighborTable.Add(new ObservedNeighbor(neighbor.Link, neighbor.Address, neighbor.Mac, true));
        return default;
    }

    private NetlinkResult Replace(ObservedLink link, ForwardingEntry entry)
    {
        if (link.Kind != "vxlan")
            return new NetlinkResult(Errno.EOPNOTSUPP);
        var sameFamily = link.Vxlan!.Local is not { } local || local.AddressFamily == entry.Destination.AddressFamily;
        if (!sameFamily)
            return new NetlinkResult(Errno.EAFNOSUPPORT);
        ForwardingTable.RemoveAll(f => f.Link == entry.Link && f.Mac == entry.Mac);
        ForwardingTable.Add(entry);
        return default;
    }

    private NetlinkResult Set(Shaper shaper)
    {
        if (shaper.Rate <= 0 || shaper.Burst <= 0 || shaper.Limit <= 0)
            return new NetlinkResult(Errno.EINVAL);
        QdiscTable.RemoveAll(q => q.Link == shaper.Link && q.Shaper is not null);
        QdiscTable.Add(new ObservedQdisc(shaper.Link, "tbf", shaper));
        return default;
    }

    private NetlinkResult AddIngress(string link)
    {
        if (QdiscTable.Exists(q => q.Link == link && q.Kind == "ingress"))
            return new NetlinkResult(Errno.EEXIST, "Exclusivity flag on, cannot modify");
        QdiscTable.Add(new ObservedQdisc(link, "ingress"));
        return default;
    }

    private NetlinkResult DeleteIngress(string link)
    {
        RedirectTable.RemoveAll(r => r.Link == link);
        return Removed(QdiscTable.RemoveAll(q => q.Link == link && q.Kind == "ingress"), Errno.ENOENT);
    }

    private NetlinkResult Add(Redirect redirect)
    {
        if (!QdiscTable.Exists(q => q.Link == redirect.Link && q.Kind == "ingress"))
            return new NetlinkResult(Errno.EINVAL, "Parent Qdisc doesn't exists");
        if (Find(redirect.To) is null)
            return new NetlinkResult(Errno.ENODEV, $"link '{redirect.To}' does not exist");
        RedirectTable.Add(new ObservedRedirect(redirect.Link, redirect.To));
        return default;
    }
}
