using Weft.Model.Selectors;
using Weft.Primitives;

namespace Weft.Model.Ipam;

/// <summary>Which pods a pool serves.</summary>
public enum PoolAssignment
{
    /// <summary>Every pod that its selectors match.</summary>
    Automatic,

    /// <summary>Those that name it in an annotation.</summary>
    AnnotationOnly,
}

/// <summary>An IPPool: a prefix that nodes claim blocks of and give to pods.</summary>
/// <param name="Cidr">Null when <paramref name="Invalid"/>.</param>
/// <param name="BlockSize">Prefix length of its blocks.</param>
/// <param name="NodeSelector">Which nodes may claim blocks; null for all.</param>
/// <param name="NamespaceSelector">Pods of which namespaces it serves unasked; null for all.</param>
/// <param name="Reserved">What of it no pod gets.</param>
/// <param name="Disabled">Nothing new is given of it; what is in use stays so.</param>
/// <param name="NatOutgoing">Whether what its pods send out of the cluster leaves with their node's address.</param>
/// <param name="StrictAffinity">Whether a node may use addresses of its own blocks only.</param>
/// <param name="Created">Of two pools that overlap the older one counts.</param>
/// <param name="Invalid">Why it cannot be used as written, with the field; null when it can.</param>
public sealed record IpPool(
    string Name,
    IpPrefix? Cidr,
    int BlockSize,
    LabelSelector? NodeSelector,
    LabelSelector? NamespaceSelector,
    EquatableArray<IpPrefix> Reserved,
    bool Disabled,
    bool NatOutgoing,
    bool StrictAffinity,
    PoolAssignment Assignment,
    DateTimeOffset Created,
    string? Invalid = null)
{
    /// <summary>Prefix lengths of blocks when the pool names none.</summary>
    public static int DefaultBlockSize(bool ipv6) => ipv6 ? 122 : 26;
}
