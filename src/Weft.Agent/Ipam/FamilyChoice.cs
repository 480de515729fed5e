using Weft.Primitives;

namespace Weft.Agent.Ipam;

/// <summary>Where an address of one family may come from.</summary>
/// <param name="Pools">Pools in the order in which they are tried; <see cref="NodeRange.OfNode"/> stands for the Node's own prefixes.</param>
public sealed record FamilyChoice(bool IPv6, EquatableArray<string> Pools)
{
    /// <summary>The one range that will do; null for any of the pools.</summary>
    public IpPrefix? Within { get; init; }

    public bool Allows(NodeRange range) =>
        range.Cidr.IsIPv6 == IPv6 && Pools.Contains(range.Pool) && (Within is not { } within || within == range.Cidr);
}
