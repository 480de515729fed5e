using System.Net;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Agent.Ipam;

/// <summary>What a call asks the address store for.</summary>
/// <param name="Netns">Path of the container's network namespace.</param>
/// <param name="Mtu">Of the container's interface, bytes.</param>
public sealed record AttachmentRequest(AttachmentKey Key, string Netns, int Mtu)
{
    public HoldKind Kind { get; init; }

    public ObjectKey? Pod { get; init; }

    public string? PodUid { get; init; }

    /// <summary>Addresses that must be given, at most one a family; empty for any.</summary>
    public EquatableArray<IPAddress> Addresses { get; init; } = [];

    /// <summary>The one IPPool to take from (<c>ipam.pool</c> of a configuration); null to choose by annotations and selectors.</summary>
    public string? Pool { get; init; }

    /// <summary>Hardware address of the container's end; null for one made from the key.</summary>
    public MacAddress? Mac { get; init; }

    public EquatableArray<PortMapping> PortMappings { get; init; } = [];

    public Bandwidth? Bandwidth { get; init; }

    public EquatableArray<string> Aliases { get; init; } = [];
}
