using System.Net;
using Weft.Primitives;

namespace Weft.Model;

/// <summary>What an agent is told about its node and cluster: plain configuration, compiled together with the API's objects.</summary>
/// <param name="NodeName">The Node object this agent serves.</param>
/// <param name="ClusterCidrs">Prefixes that hold every pod, one a family: traffic inside them is never masqueraded.</param>
/// <param name="ServiceCidrs">Prefixes of Service addresses, one a family.</param>
/// <param name="DnsAddresses">Addresses of the cluster DNS Service; the agent answers on them locally.</param>
/// <param name="ClusterDomain">Such as cluster.local.</param>
/// <param name="UnderlayLink">The device towards the other nodes.</param>
/// <param name="UnderlayMtu">MTU of that device in bytes.</param>
/// <param name="VxlanVni">VXLAN network identifier, 24 bits.</param>
/// <param name="VxlanPort">UDP port; 4789 is IANA's (RFC 7348 section 5).</param>
public sealed record NodeConfig(
    string NodeName,
    EquatableArray<IpPrefix> ClusterCidrs,
    EquatableArray<IpPrefix> ServiceCidrs,
    EquatableArray<IPAddress> DnsAddresses,
    string ClusterDomain,
    string UnderlayLink,
    int UnderlayMtu,
    int VxlanVni = 4096,
    int VxlanPort = 4789);
