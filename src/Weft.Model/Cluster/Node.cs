using System.Net;
using Weft.Model.Selectors;
using Weft.Primitives;

namespace Weft.Model.Cluster;

/// <summary>A node: its underlay (InternalIP) addresses and the pod prefixes allotted to it (spec.podCIDRs).</summary>
public sealed record Node(
    string Name,
    EquatableArray<IPAddress> Addresses,
    EquatableArray<IpPrefix> PodCidrs,
    Labels Labels,
    bool Ready)
{
    /// <summary>The condition of that name: null while nobody has said anything.</summary>
    public bool? NetworkUnavailable { get; init; }

    /// <summary>The node carries <see cref="AgentTaint"/>.</summary>
    public bool AwaitsAgent { get; init; }
}
