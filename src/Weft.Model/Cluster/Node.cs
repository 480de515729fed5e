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
    bool Ready);
