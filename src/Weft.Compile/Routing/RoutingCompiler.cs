using System.Net;
using Weft.Compile.HostPorts;
using Weft.Compile.Shaping;
using Weft.Compile.Policy;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Routing;

/// <summary>
/// Links, addresses, routes, neighbors and forwarding entries of one node: a VXLAN device towards every other node, and a host route to
/// every pod of this one.
/// </summary>
internal static class RoutingCompiler
{
    public static RoutingState Compile(NodeConfig config, LocalPods pods, NodePlan plan, List<Diagnostic> diagnostics)
    {
        var state = new Builder();
        var self = plan.Find(config.NodeName);
        diagnostics.AddRange(plan.Diagnostics);
        if (self is null)
        {
            diagnostics.Add(new Diagnostic($"Node {config.NodeName}", "metadata.name", "",
                "the API has no such Node; there is no route to other nodes until this node registers"));
        }
        var mtu = config.UnderlayMtu - Overhead(self);
        if (self is not null)
            Overlay(config, plan, self, mtu, state, diagnostics);
        // The agent answers DNS on every node at the Service's own address (no translation, no conntrack entry a query).
        foreach (var dns in config.DnsAddresses)
            state.Addresses.Add(new LinkAddress("lo", dns, IpPrefix.Host(dns).Length));
        Sysctls(config, self, state);
        var (ipv4, ipv6) = (self?.Underlay(ipv6: false), self?.Underlay(ipv6: true));
        foreach (var attachment in pods.Attachments)
            Local(attachment, AttachmentParts.Of(attachment, mtu, ipv4, ipv6), mtu, state);
        return state.Build();
    }

    private static int Overhead(PlannedNode? self) =>
        self is not null && self.Underlay(ipv6: false) is null && self.Underlay(ipv6: true) is not null
            ? WeftNames.VxlanOverheadIPv6
            : WeftNames.VxlanOverheadIPv4;

    private static void Overlay(
        NodeConfig config, NodePlan plan, PlannedNode self, int mtu, Builder state, List<Diagnostic> diagnostics)
    {
        var local = self.Underlay(ipv6: false) ?? self.Underlay(ipv6: true);
        if (local is null)
        {
            diagnostics.Add(new Diagnostic($"Node {config.NodeName}", "status.addresses", "",
                "the node has no InternalIP to send VXLAN from; let the kubelet report one"));
            return;
        }
        if (!self.Ranges.Any())
            return;
        state.Links.Add(new VxlanLink(
            WeftNames.VxlanLink, mtu, config.VxlanVni, config.VxlanPort, local, config.UnderlayLink, VtepMac.Of(config.NodeName)));
        foreach (var family in Family.Both)
        {
            if (self.Anchor(family.IPv6) is { } anchor)
                state.Addresses.Add(new LinkAddress(WeftNames.VxlanLink, anchor.First, anchor.AddressBits));
        }
        foreach (var remote in plan.Nodes)
        {
            if (remote.Node.Name != config.NodeName && remote.Ranges.Any())
                Remote(self, remote, Family.IsIPv6(local), state, diagnostics);
        }
        // A connection to a Service needs a route before the output hook can translate it, whether or not the node has a default route.
        // What is not translated is rejected before it gets here.
        foreach (var services in config.ServiceCidrs)
        {
            if (self.Anchor(services.IsIPv6) is not null)
                state.Routes.Add(new Route(services, WeftNames.VxlanLink, Source: self.Underlay(services.IsIPv6), LinkScope: !services.IsIPv6));
        }
    }

    private static void Remote(PlannedNode self, PlannedNode remote, bool underlayIPv6, Builder state, List<Diagnostic> diagnostics)
    {
        if (remote.Underlay(underlayIPv6) is not { } destination)
        {
            diagnostics.Add(new Diagnostic($"Node {remote.Node.Name}", "status.addresses", string.Join(", ", remote.Node.Addresses),
                $"the node has no {(underlayIPv6 ? "IPv6" : "IPv4")} InternalIP to send VXLAN to, so its pods cannot be reached from here"));
            return;
        }
        var mac = VtepMac.Of(remote.Node.Name);
        state.Forwarding.Add(new ForwardingEntry(WeftNames.VxlanLink, mac, destination));
        foreach (var family in Family.Both)
        {
            if (self.Anchor(family.IPv6) is null || remote.Anchor(family.IPv6) is not { } anchor)
                continue;
            state.Neighbors.Add(new Neighbor(WeftNames.VxlanLink, anchor.First, mac));
            // What the node borrowed lies within a prefix that leads to its owner: the longer prefix wins.
            foreach (var prefix in remote.Ranges.Concat(remote.Borrowed.Select(IpPrefix.Host)))
            {
                if (prefix.IsIPv6 == family.IPv6)
                    state.Routes.Add(new Route(prefix, WeftNames.VxlanLink, anchor.First, OnLink: true));
            }
        }
    }

    private static void Local(Attachment attachment, AttachmentParts parts, int mtu, Builder state)
    {
        state.Links.Add(parts.Link);
        foreach (var address in parts.Addresses)
        {
            state.Routes.Add(address.Route);
            state.PodNeighbors.Add(address.Neighbor);
        }
        state.LinkSysctls.AddRange(parts.Sysctls);
        if (attachment.Bandwidth is { } bandwidth)
            Limits(attachment.HostInterface, bandwidth, mtu, state);
    }

    /// <summary>What the container receives waits at the node's end of its link, what it sends in a device that it is led through.</summary>
    private static void Limits(string link, Bandwidth bandwidth, int mtu, Builder state)
    {
        if (bandwidth.IngressRate > 0)
            state.Shapers.Add(TokenBucket.Of(link, bandwidth.IngressRate, bandwidth.IngressBurst, mtu));
        if (bandwidth.EgressRate <= 0)
            return;
        var ifb = IfbLink.NameFor(link);
        state.Links.Add(new IfbLink(ifb, mtu));
        state.Shapers.Add(TokenBucket.Of(ifb, bandwidth.EgressRate, bandwidth.EgressBurst, mtu));
        state.Redirects.Add(new Redirect(link, ifb));
    }

    private static void Sysctls(NodeConfig config, PlannedNode? self, Builder state)
    {
        var ipv6 = config.ClusterCidrs.Any(c => c.IsIPv6);
        state.Sysctls.Add(new Sysctl("net/ipv4/ip_forward", "1"));
        if (ipv6)
        {
            state.Sysctls.Add(new Sysctl("net/ipv6/conf/all/forwarding", "1"));
            // Forwarding turns router advertisements off unless accept_ra is 2 (kernel ip-sysctl, accept_ra); nodes may live by them.
            state.Sysctls.Add(new Sysctl($"net/ipv6/conf/{config.UnderlayLink}/accept_ra", "2"));
        }
        // A flow that the eBPF shortcut carries shows conntrack only some of its segments.
        state.Sysctls.Add(new Sysctl("net/netfilter/nf_conntrack_tcp_be_liberal", "1"));
        state.Sysctls.Add(Loose(config.UnderlayLink));
        if (state.Links.Any(l => l is VxlanLink))
        {
            state.Sysctls.Add(Loose(WeftNames.VxlanLink));
            if (ipv6)
                state.Sysctls.Add(new Sysctl($"net/ipv6/conf/{WeftNames.VxlanLink}/accept_ra", "0"));
        }
    }

    /// <summary>
    /// Loose reverse path filtering: a node answers a pod of another node through the tunnel but hears from it on the underlay. The larger of
    /// this and conf/all applies, so 2 is loose whatever the distribution set. Spoofing is stopped by the table instead.
    /// </summary>
    internal static Sysctl Loose(string link) => new($"net/ipv4/conf/{link}/rp_filter", "2");

    private sealed class Builder
    {
        public List<Link> Links { get; } = [];

        public List<LinkAddress> Addresses { get; } = [];

        public List<Route> Routes { get; } = [];

        public List<Neighbor> Neighbors { get; } = [];

        public List<Neighbor> PodNeighbors { get; } = [];

        public List<ForwardingEntry> Forwarding { get; } = [];

        public List<Sysctl> Sysctls { get; } = [];

        /// <summary>Those of pods' links, in the order of the links.</summary>
        public List<Sysctl> LinkSysctls { get; } = [];

        public List<Shaper> Shapers { get; } = [];

        public List<Redirect> Redirects { get; } = [];

        public RoutingState Build() => new(
            // Only the name of a device for limits is cut short enough to meet another.
            (Redirects.Count == 0 ? Links : Links.DistinctBy(l => l.Name)).ToEquatableArray(),
            Addresses.ToEquatableArray(),
            SortedRoutes(),
            [.. Neighbors.DistinctBy(n => (n.Link, n.Address)), .. PodNeighbors],
            Forwarding.ToEquatableArray(),
            [.. Sysctls.OrderBy(s => s.Path, StringComparer.Ordinal).DistinctBy(s => s.Path), .. LinkSysctls])
        {
            Shapers = Shapers.ToEquatableArray(),
            Redirects = Redirects.ToEquatableArray(),
        };

        /// <summary>By destination, one each.</summary>
        private EquatableArray<Route> SortedRoutes()
        {
            Routes.Sort(static (a, b) => a.Destination.CompareTo(b.Destination) is var order && order != 0 ? order : string.CompareOrdinal(a.Link, b.Link));
            var kept = new List<Route>(Routes.Count);
            foreach (var route in Routes)
            {
                if (kept.Count == 0 || kept[^1].Destination != route.Destination)
                    kept.Add(route);
            }
            return kept.ToEquatableArray();
        }
    }
}
