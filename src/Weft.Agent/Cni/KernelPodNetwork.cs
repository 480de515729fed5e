using System.Net;
using System.Net.Sockets;
using Weft.Agent.Ipam;
using Weft.Kernel;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Agent.Cni;

/// <summary>
/// <see cref="IPodNetwork"/> in the real kernel: a routed veth pair, no bridge. The container's end has its address as a host prefix and a
/// default route to <see cref="PodGateway"/>, which a permanent neighbor entry resolves.
/// </summary>
/// <param name="node">The node's namespace, in which the host ends live.</param>
/// <param name="netlink">rtnetlink of that namespace.</param>
/// <param name="touched">Told of each host end that is made or deleted.</param>
public sealed class KernelPodNetwork(NetNamespace node, INetlink netlink, Action<string>? touched = null) : IPodNetwork
{
    private const string Loopback = "lo";

    public string? NamespaceProblem(string netns)
    {
        try
        {
            using var opened = NetNamespace.Open(netns);
            return opened.Identity == node.Identity
                ? $"'{netns}' is the node's own network namespace; a container needs one of its own"
                : null;
        }
        catch (KernelException e)
        {
            return $"'{netns}' cannot be used: {e.Message}";
        }
    }

    public void Create(Attachment attachment, int mtu)
    {
        var made = false;
        try
        {
            using var network = NetNamespace.Open(attachment.NetworkNamespace);
            using var inside = RouteNetlink.Open(network);
            Delete(attachment.HostInterface);
            netlink.ExecuteAll(new AddVeth(
                attachment.HostInterface, mtu, PodGateway.HostMac, attachment.InterfaceName, MacAddress.Parse(attachment.Mac), network));
            made = true;
            touched?.Invoke(attachment.HostInterface);
            if (attachment.Addresses.Any(IsIPv6))
                // Runtimes switch IPv6 off in namespaces that they take for IPv4 only; without it the address would be refused.
                new NamespaceSysctls(network).Write($"net/ipv6/conf/{attachment.InterfaceName}/disable_ipv6", "0");
            inside.ExecuteAll(Requests(attachment));
        }
        catch (KernelException e)
        {
            if (made)
                netlink.TryExecute(new DeleteLink(attachment.HostInterface));
            throw new PodNetworkException($"cannot make {attachment.InterfaceName} of container {attachment.ContainerId}: {e.Message}", e);
        }
    }

    public bool Delete(string hostInterface)
    {
        touched?.Invoke(hostInterface);
        // What limited the container's sending goes with it. Without the device the next pass would delete it, so that a failure here is no DEL's.
        if (IfbLink.NameFor(hostInterface) is var ifb && netlink.IndexOf(ifb) is not null)
            netlink.TryExecute(new DeleteLink(ifb));
        if (netlink.IndexOf(hostInterface) is null)
            return false;
        var result = netlink.TryExecute(new DeleteLink(hostInterface));
        // The container's namespace may have gone, and the pair with it, in between.
        return result.Succeeded || (result.Errno == Errno.ENODEV ? false : throw new PodNetworkException($"cannot delete {hostInterface}: {result.Text}"));
    }

    public bool Exists(string hostInterface) => netlink.IndexOf(hostInterface) is not null;

    public IReadOnlyList<string> HostInterfaces() => [.. netlink.Links().Select(l => l.Name).Where(AttachmentNames.IsHostInterface)];

    public bool HasInterface(string netns, string name)
    {
        try
        {
            using var network = NetNamespace.Open(netns);
            using var inside = RouteNetlink.Open(network);
            return inside.IndexOf(name) is not null;
        }
        catch (KernelException)
        {
            return false;
        }
    }

    public IReadOnlyList<string> Verify(Attachment attachment, PodExpectation expected)
    {
        var problems = new List<string>();
        try
        {
            VerifyHostEnd(attachment, problems);
            using var network = NetNamespace.Open(expected.Netns);
            using var inside = RouteNetlink.Open(network);
            VerifyInside(attachment.InterfaceName, inside, expected, problems);
        }
        catch (KernelException e)
        {
            problems.Add(e.Message);
        }
        return problems;
    }

    private void VerifyHostEnd(Attachment attachment, List<string> problems)
    {
        var name = attachment.HostInterface;
        if (netlink.FindLink(name) is not { } link)
        {
            problems.Add($"the node's end {name} is missing");
            return;
        }
        if (!link.Up)
            problems.Add($"the node's end {name} is down");
        if (link.Mac != PodGateway.HostMac)
            problems.Add($"the node's end {name} has the MAC {link.Mac} instead of {PodGateway.HostMac}");
    }

    private static void VerifyInside(string name, RouteNetlink inside, PodExpectation expected, List<string> problems)
    {
        if (inside.FindLink(name) is not { } link)
        {
            problems.Add($"the interface {name} is missing");
            return;
        }
        if (!link.Up)
            problems.Add($"the interface {name} is down");
        else if (!link.Running)
            problems.Add($"the interface {name} has no carrier");
        if (link.Mac != expected.Mac)
            problems.Add($"the interface {name} has the MAC {link.Mac} instead of {expected.Mac}");
        if (link.Mtu != expected.Mtu)
            problems.Add($"the interface {name} has the MTU {link.Mtu} instead of {expected.Mtu}");
        var addresses = inside.Addresses(name);
        foreach (var address in expected.Addresses)
            if (!addresses.Any(a => a.Address.Address.Equals(address)))
                problems.Add($"the address {address} is missing on {name}");
        var routes = inside.Routes();
        var neighbors = inside.Neighbors(name);
        foreach (var gateway in expected.Gateways)
        {
            var all = IsIPv6(gateway) ? IpPrefix.AllIPv6 : IpPrefix.AllIPv4;
            if (!routes.Any(r => r.Route.Destination == all && r.Route.Link == name && gateway.Equals(r.Route.Gateway)))
                problems.Add($"the default route {all} via {gateway} on {name} is missing");
            if (!neighbors.Any(n => n.Address.Equals(gateway) && n.Permanent && n.Mac == PodGateway.HostMac))
                problems.Add($"the neighbor entry of {gateway} with {PodGateway.HostMac} is missing on {name}");
        }
    }

    private static List<NetlinkRequest> Requests(Attachment attachment)
    {
        var name = attachment.InterfaceName;
        List<NetlinkRequest> requests = [new SetLink(Loopback, Up: true), new SetLink(name, Up: true)];
        foreach (var address in attachment.Addresses)
        {
            var (gateway, all) = GatewayOf(address);
            requests.Add(new AddAddress(new LinkAddress(name, address, IpPrefix.Host(address).Length)));
            requests.Add(new ReplaceNeighbor(new Neighbor(name, gateway, PodGateway.HostMac)));
            requests.Add(new ReplaceRoute(new Route(all, name, gateway, OnLink: true)));
        }
        return requests;
    }

    private static (IPAddress Gateway, IpPrefix All) GatewayOf(IPAddress address) =>
        IsIPv6(address) ? (PodGateway.IPv6, IpPrefix.AllIPv6) : (PodGateway.IPv4, IpPrefix.AllIPv4);

    private static bool IsIPv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;
}
