using Weft.Model.Selectors;
using Weft.Primitives;

namespace Weft.Model.Policy;

/// <summary>
/// networking.k8s.io/v1 NetworkPolicy after defaulting of policyTypes. A <c>null</c> selector is an absent one. When
/// <see cref="Invalid"/> is set the policy could not be understood: it isolates the pods that it selects in both
/// directions and allows nothing (fails closed), and the text says why.
/// </summary>
public sealed record NetworkPolicy(
    ObjectKey Key,
    LabelSelector PodSelector,
    bool IsolatesIngress,
    bool IsolatesEgress,
    EquatableArray<PolicyRule> Ingress,
    EquatableArray<PolicyRule> Egress,
    string? Invalid = null,
    long Generation = 0);

/// <summary>One ingress or egress rule. No peers means every peer; no ports means every port and protocol.</summary>
public sealed record PolicyRule(EquatableArray<PolicyPeer> Peers, EquatableArray<PolicyPort> Ports);

/// <summary>Exactly one of <see cref="Block"/> and the two selectors is given, as the API requires.</summary>
public sealed record PolicyPeer(LabelSelector? PodSelector, LabelSelector? NamespaceSelector, IpBlock? Block);

/// <summary>A prefix without the prefixes excepted from it.</summary>
public sealed record IpBlock(IpPrefix Cidr, EquatableArray<IpPrefix> Except);

/// <summary>
/// Port numbers from <see cref="Port"/> to <see cref="EndPort"/>, or a named port resolved per pod, or all ports of a protocol
/// when both are absent.
/// </summary>
public sealed record PolicyPort(Protocol Protocol, int? Port, int? EndPort, string? Name);
