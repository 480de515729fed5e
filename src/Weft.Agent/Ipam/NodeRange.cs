using Weft.Primitives;

namespace Weft.Agent.Ipam;

/// <summary>A prefix that this node may give addresses of.</summary>
/// <param name="Pool">Name of the IPPool that it is a block of; empty for one of the Node's spec.podCIDRs.</param>
/// <param name="Reserved">What of it is never given.</param>
public sealed record NodeRange(IpPrefix Cidr, string Pool, EquatableArray<IpPrefix> Reserved)
{
    public const string OfNode = "";

    /// <summary>For messages: <c>pod CIDR 10.0.0.0/24</c> or <c>block 10.0.0.0/26 of pool web</c>.</summary>
    public string Name => Pool == OfNode ? $"pod CIDR {Cidr}" : $"block {Cidr} of pool {Pool}";
}
