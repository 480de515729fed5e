using System.Net;
using Weft.Primitives;

namespace Weft.Model.Ipam;

/// <summary>
/// One interface that the CNI plugin gave to a container on this node: the unit that addresses belong to. It is known before the
/// API server shows the pod's address, so that policy is in force when ADD returns.
/// </summary>
/// <param name="ContainerId">CNI_CONTAINERID.</param>
/// <param name="InterfaceName">CNI_IFNAME, inside the container.</param>
/// <param name="Pod">From CNI_ARGS K8S_POD_NAMESPACE and K8S_POD_NAME; absent under a runtime that is not Kubernetes.</param>
/// <param name="PodUid">From CNI_ARGS K8S_POD_UID, when given.</param>
/// <param name="Addresses">One a family.</param>
/// <param name="HostInterface">The veth end in the node's namespace.</param>
/// <param name="Mac">Hardware address of the container's end, as six bytes in text (02:ab:...).</param>
/// <param name="NetworkNamespace">Path of the container's network namespace (CNI_NETNS).</param>
public sealed record Attachment(
    string ContainerId,
    string InterfaceName,
    ObjectKey? Pod,
    string? PodUid,
    EquatableArray<IPAddress> Addresses,
    string HostInterface,
    string Mac,
    string NetworkNamespace)
{
    public const string DefaultNetwork = "weft";

    /// <summary>The network's name in the runtime's configuration list.</summary>
    public string Network { get; init; } = DefaultNetwork;

    public EquatableArray<PortMapping> PortMappings { get; init; } = [];

    /// <summary>Null for no limits.</summary>
    public Bandwidth? Bandwidth { get; init; }

    /// <summary>Names under which other containers of the same network find this one (CNI CONVENTIONS.md, "aliases").</summary>
    public EquatableArray<string> Aliases { get; init; } = [];

    public AttachmentKey Key => new(Network, ContainerId, InterfaceName);
}
