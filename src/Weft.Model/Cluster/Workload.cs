using System.Net;
using Weft.Model.Ipam;
using Weft.Model.Selectors;
using Weft.Primitives;

namespace Weft.Model.Cluster;

/// <summary>A container port that has a name, which policies and Services may refer to.</summary>
public sealed record NamedPort(string Name, int Port, Protocol Protocol);

/// <summary>
/// A pod as the network sees it. A terminated pod (phase Succeeded or Failed) has no addresses: its address may already
/// belong to another. A host-network pod shares its node's addresses and is not subject to policy.
/// </summary>
public sealed record Workload(
    ObjectKey Key,
    string Uid,
    string NodeName,
    Labels Labels,
    EquatableArray<IPAddress> Addresses,
    bool HostNetwork,
    EquatableArray<NamedPort> Ports,
    string? Hostname = null,
    string? Subdomain = null)
{
    /// <summary>Ports of its node that its containers ask for (hostPort); what the node's runtime asks of the CNI plugin is what counts.</summary>
    public EquatableArray<PortMapping> HostPorts { get; init; } = [];

    /// <summary>Annotations of weft.dev only.</summary>
    public Labels Annotations { get; init; } = Labels.Empty;

    /// <summary>Phase Succeeded or Failed.</summary>
    public bool Ended { get; init; }
}
