using System.Collections.Immutable;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Policy;
using Weft.Model.Services;

namespace Weft.Store;

/// <summary>
/// The cluster as one node knows it, at one revision. Immutable: a compiler that holds one can take its time. Keys are the objects' own
/// names; <see cref="Attachments"/> are this node's.
/// </summary>
public sealed record ClusterSnapshot(
    long Revision,
    ImmutableDictionary<string, Node> Nodes,
    ImmutableDictionary<string, Namespace> Namespaces,
    ImmutableDictionary<ObjectKey, Workload> Workloads,
    ImmutableDictionary<ObjectKey, Service> Services,
    ImmutableDictionary<ObjectKey, EndpointSlice> EndpointSlices,
    ImmutableDictionary<ObjectKey, NetworkPolicy> Policies,
    ImmutableDictionary<AttachmentKey, Attachment> Attachments)
{
    public ImmutableDictionary<string, IpPool> Pools { get; init; } = ImmutableDictionary<string, IpPool>.Empty;

    public ImmutableDictionary<string, AddressBlock> Blocks { get; init; } = ImmutableDictionary<string, AddressBlock>.Empty;

    public static ClusterSnapshot Empty { get; } = new(
        0,
        ImmutableDictionary<string, Node>.Empty,
        ImmutableDictionary<string, Namespace>.Empty,
        ImmutableDictionary<ObjectKey, Workload>.Empty,
        ImmutableDictionary<ObjectKey, Service>.Empty,
        ImmutableDictionary<ObjectKey, EndpointSlice>.Empty,
        ImmutableDictionary<ObjectKey, NetworkPolicy>.Empty,
        ImmutableDictionary<AttachmentKey, Attachment>.Empty);
}
