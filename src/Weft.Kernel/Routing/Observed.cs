using System.Net;
using Weft.Model.Routing;

namespace Weft.Kernel.Routing;

/// <summary>A link as the kernel shows it.</summary>
/// <param name="Kind">IFLA_INFO_KIND (veth, vxlan, bridge); null for loopback and hardware.</param>
/// <param name="Up">IFF_UP: set up by the administrator.</param>
/// <param name="Running">IFF_LOWER_UP: there is a carrier.</param>
/// <param name="Master">Name of the bridge it belongs to.</param>
/// <param name="Vxlan">What defines a VXLAN device, when it is one.</param>
public sealed record ObservedLink(
    int Index, string Name, string? Kind, int Mtu, bool Up, bool Running, MacAddress Mac, string? Master = null, VxlanParameters? Vxlan = null);

/// <summary>Attributes of a VXLAN device. Weft makes the device anew where one differs.</summary>
/// <param name="Underlay">Name of IFLA_VXLAN_LINK's device; null when the device is bound to none, or to one that is gone.</param>
public sealed record VxlanParameters(int Vni, int Port, IPAddress? Local, string? Underlay, bool Learning);

/// <summary>An address as the kernel shows it.</summary>
/// <param name="Tentative">Duplicate address detection has not ended (IFA_F_TENTATIVE).</param>
/// <param name="LinkLocal">Its scope is the link: the kernel gives every IPv6 interface such an address by itself.</param>
/// <param name="Protocol">IFA_PROTO, 0 before Linux 5.18; <see cref="WeftRouting.Protocol"/> marks it as Weft's.</param>
public sealed record ObservedAddress(LinkAddress Address, bool Tentative = false, bool LinkLocal = false, byte Protocol = 0);

/// <summary>A route as the kernel shows it.</summary>
/// <param name="Metric">RTA_PRIORITY, 0 when absent.</param>
/// <param name="Dead">RTNH_F_DEAD: the link is down.</param>
public sealed record ObservedRoute(Route Route, byte Protocol, int Metric = 0, bool Dead = false);

/// <summary>A neighbor entry as the kernel shows it.</summary>
/// <param name="Mac">Null while the kernel does not know it.</param>
/// <param name="Permanent">NUD_PERMANENT: made by hand, never expires.</param>
public sealed record ObservedNeighbor(string Link, IPAddress Address, MacAddress? Mac, bool Permanent);
