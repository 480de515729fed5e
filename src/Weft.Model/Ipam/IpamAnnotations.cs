namespace Weft.Model.Ipam;

/// <summary>Annotations by which pods and namespaces ask for addresses.</summary>
public static class IpamAnnotations
{
    /// <summary>What Weft keeps of an object's annotations.</summary>
    public const string Prefix = "weft.dev/";

    /// <summary>On a pod or a namespace: names of pools, separated by commas, in the order in which they are tried.</summary>
    public const string Pools = "weft.dev/ip-pools";

    /// <summary>On a pod: the addresses it must have, separated by a comma, at most one a family.</summary>
    public const string Addresses = "weft.dev/ip-addresses";
}
