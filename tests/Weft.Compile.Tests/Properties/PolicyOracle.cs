using System.Net;
using System.Net.Sockets;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Policy;
using Weft.Model.Selectors;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Tests.Properties;

/// <summary>
/// NetworkPolicy read word by word for one connection between two pods, with no thought of speed and nothing in common with the compiler
/// (networking.k8s.io/v1 types.go, and kubernetes.io/docs/concepts/services-networking/network-policies).
/// </summary>
internal sealed class PolicyOracle(ClusterSnapshot cluster)
{
    public bool Allows(Workload from, Workload to, bool ipv6, Protocol protocol, int port)
    {
        // "A Pod cannot block access to itself." "Traffic to and from the node where a Pod is running is always allowed."
        if (from.Key == to.Key || (from.HostNetwork || to.HostNetwork) && from.NodeName == to.NodeName)
            return true;
        return (from.HostNetwork || Direction(from, to, to, ingress: false, ipv6, protocol, port))
            && (to.HostNetwork || Direction(to, from, to, ingress: true, ipv6, protocol, port));
    }

    private bool Direction(Workload judged, Workload peer, Workload destination, bool ingress, bool ipv6, Protocol protocol, int port)
    {
        var isolating = cluster.Policies.Values.Where(p =>
            p.Key.Namespace == judged.Key.Namespace
            && p.PodSelector.Matches(judged.Labels)
            && (p.Invalid is not null || (ingress ? p.IsolatesIngress : p.IsolatesEgress))).ToList();
        // "If no policy selects the pod, it is non-isolated." Otherwise what the policies allow adds up.
        return isolating.Count == 0 || isolating.Any(p => p.Invalid is null && (ingress ? p.Ingress : p.Egress).Any(rule =>
            (rule.Peers.IsEmpty || rule.Peers.Any(x => IsPeer(p.Key.Namespace, x, peer, ipv6)))
            && (rule.Ports.IsEmpty || rule.Ports.Any(x => IsPort(x, destination, protocol, port)))));
    }

    private bool IsPeer(string policyNamespace, PolicyPeer peer, Workload pod, bool ipv6)
    {
        if (peer.Block is { } block)
        {
            // A pod on the host's network has its node's address, and so is seen by blocks alone.
            var address = pod.Addresses.First(a => (a.AddressFamily == AddressFamily.InterNetworkV6) == ipv6);
            return block.Cidr.Contains(address) && !block.Except.Any(e => e.Contains(address));
        }
        if (pod.HostNetwork)
            return false;
        var inNamespace = peer.NamespaceSelector is { } namespaces
            ? namespaces.Matches(cluster.Namespaces[pod.Key.Namespace].Labels)
            : pod.Key.Namespace == policyNamespace;
        return inNamespace && (peer.PodSelector is null || peer.PodSelector.Matches(pod.Labels));
    }

    private static bool IsPort(PolicyPort wanted, Workload destination, Protocol protocol, int port)
    {
        if (wanted.Protocol != protocol)
            return false;
        if (wanted.Name is { } name)
            return !destination.HostNetwork && destination.Ports.Any(p => p.Name == name && p.Protocol == protocol && p.Port == port);
        return wanted.Port is not { } first || port >= first && port <= (wanted.EndPort ?? first);
    }
}
