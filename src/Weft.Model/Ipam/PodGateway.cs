using System.Net;
using Weft.Model.Routing;

namespace Weft.Model.Ipam;

/// <summary>
/// What every pod's default route points at. The addresses exist on no device: a permanent neighbor entry in the pod maps them to the MAC
/// of the veth's host end, which is the same on every pod, since each veth pair is a link of its own. So a pod needs no ARP or NDP, the
/// node no proxy for them, and a packet that arrives there is simply routed.
/// </summary>
public static class PodGateway
{
    public static IPAddress IPv4 { get; } = IPAddress.Parse("169.254.1.1");

    public static IPAddress IPv6 { get; } = IPAddress.Parse("fe80::1");

    /// <summary>Hardware address of the host's end of each pod's veth pair: unicast, locally administered.</summary>
    public static MacAddress HostMac { get; } = MacAddress.Parse("ee:77:65:66:74:01");
}
