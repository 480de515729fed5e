using Weft.Agent.Cni;
using Weft.Kernel;
using Weft.Kernel.Conntrack;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Nftables;
using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;
using Weft.Model;
using Weft.Primitives;
using Weft.Reconcile;
using Weft.Reconcile.Connections;
using Weft.Reconcile.Nftables;

namespace Weft.Agent;

/// <summary>The ports to the kernel of the network namespace in which the agent runs, which is the node's.</summary>
internal sealed class NodeKernel : IDisposable
{
    private readonly LibNftables _nftables;
    private readonly NftablesReconciler _nftReconciler;
    private readonly NetlinkConntrack _conntrack;

    private NodeKernel(NetNamespace network)
    {
        Network = network;
        Netlink = RouteNetlink.Open(network);
        Sysctls = new NamespaceSysctls(network);
        _nftables = new LibNftables(network.Path);
        _nftReconciler = new NftablesReconciler(_nftables);
        _conntrack = NetlinkConntrack.Open(network);
    }

    public NetNamespace Network { get; }

    public RouteNetlink Netlink { get; }

    private TouchedLinks Touched { get; } = new();

    public NamespaceSysctls Sysctls { get; }

    /// <exception cref="KernelException">No right to use netlink: the agent needs CAP_NET_ADMIN.</exception>
    public static NodeKernel Open() => new(NetNamespace.OfProcess());

    /// <summary>Joins what the command line says with what the underlay device is.</summary>
    /// <exception cref="KernelException">There is no such device.</exception>
    public NodeConfig Config(AgentOptions options)
    {
        var underlay = Netlink.FindLink(options.UnderlayLink)
            ?? throw new KernelException("find the underlay device", Errno.ENODEV, $"--underlay-link {options.UnderlayLink} does not exist on this node");
        return new NodeConfig(
            options.Node, options.ClusterCidrs, options.ServiceCidrs, options.ClusterDns, options.ClusterDomain, options.UnderlayLink, underlay.Mtu);
    }

    /// <param name="inUse">Whether a pod's link is one that an attachment has, or is being given.</param>
    public NodeReconciler Reconciler(Func<string, bool> inUse) =>
        new([.. RoutingReconcilers.Create(Netlink, Sysctls, inUse, Touched), _nftReconciler, new ConnectionReconciler(_conntrack, TimeProvider.System, ConnectionReconciler.DefaultGathering)]);

    public NodeDrift Drift() => new(Netlink, Sysctls, _nftReconciler);

    public AttachmentDrift AttachmentDrift() => new(Netlink, _nftReconciler);

    /// <summary>Interfaces of the node's containers; which of them are made and deleted through it, the reconcilers learn.</summary>
    public KernelPodNetwork Pods() => new(Network, Netlink, Touched.Touch);

    public void Dispose()
    {
        _conntrack.Dispose();
        _nftables.Dispose();
        Netlink.Dispose();
        Network.Dispose();
    }
}
