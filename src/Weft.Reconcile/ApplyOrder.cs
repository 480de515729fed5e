using System.Collections.Immutable;

namespace Weft.Reconcile;

/// <summary>The steps of one pass over the kernel. A reconciler takes part in those that concern it.</summary>
public enum ApplyStep
{
    /// <summary>Kernel parameters of the namespace.</summary>
    Sysctls,

    /// <summary>Links made or changed.</summary>
    Links,

    /// <summary>Kernel parameters of one link.</summary>
    LinkSysctls,

    /// <summary>Rates limited: what links send, and what they receive through a device of its own.</summary>
    Shaping,

    /// <summary>Addresses added.</summary>
    Addresses,

    /// <summary>The nftables table.</summary>
    Nftables,

    /// <summary>Permanent neighbors set.</summary>
    Neighbors,

    /// <summary>Bridge forwarding entries set.</summary>
    Forwarding,

    /// <summary>Routes set.</summary>
    Routes,

    /// <summary>Routes that are not wanted deleted.</summary>
    DeleteRoutes,

    /// <summary>Tracked connections dropped whose pod or backend has gone.</summary>
    ForgetConnections,

    /// <summary>Forwarding entries that are not wanted deleted.</summary>
    DeleteForwarding,

    /// <summary>Neighbors that are not wanted deleted.</summary>
    DeleteNeighbors,

    /// <summary>Addresses that are not wanted deleted.</summary>
    DeleteAddresses,

    /// <summary>Limits that are not wanted taken away.</summary>
    DeleteShaping,

    /// <summary>Links that are not wanted deleted.</summary>
    DeleteLinks,
}

/// <summary>
/// The order across kernel objects, all of it. What is referred to is made before what refers to it and deleted after it, and no packet
/// finds a way to a pod before the policy that judges it is in force.
/// </summary>
public static class ApplyOrder
{
    public static ImmutableArray<ApplyStep> Steps { get; } =
    [
        // Forwarding and reverse path filters are on before there is anything to forward.
        ApplyStep.Sysctls,
        // Everything below names a link. A VXLAN device that must be made anew loses what hangs on it, and gets it back below.
        ApplyStep.Links,
        // They exist only as long as their link does.
        ApplyStep.LinkSysctls,
        // A redirect needs its device. Before the routes, so that no packet passes a limit that was asked for.
        ApplyStep.Shaping,
        // A route's preferred source must be an address of the node (net/ipv4/fib_semantics.c, fib_valid_prefsrc).
        ApplyStep.Addresses,
        // Policy, Service translation and masquerade, before the routes that lead packets to pods and other nodes.
        ApplyStep.Nftables,
        // Who is behind a gateway, before the routes that use it: otherwise the first packets wait for ARP answers that never come.
        ApplyStep.Neighbors,
        ApplyStep.Forwarding,
        ApplyStep.Routes,
        // The other way round for what goes.
        ApplyStep.DeleteRoutes,
        // The next packet of such a connection must find the new translation and no way to the old pod, or it would be tracked as before.
        ApplyStep.ForgetConnections,
        ApplyStep.DeleteForwarding,
        ApplyStep.DeleteNeighbors,
        ApplyStep.DeleteAddresses,
        // A redirect to a device that is gone drops everything.
        ApplyStep.DeleteShaping,
        ApplyStep.DeleteLinks,
    ];
}
