using System.Globalization;
using System.Net;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Ipam;

namespace Weft.Compile.HostPorts;

/// <summary>
/// What one port mapping takes of the node in one family: a protocol's port at one address, or at every address of the family when
/// <paramref name="Address"/> is null.
/// </summary>
internal readonly record struct HostPortClaim(bool IPv6, IPAddress? Address, Protocol Protocol, int Port)
{
    /// <summary>
    /// A mapping without an address is open in both families. The unspecified address (0.0.0.0, ::) says all addresses of its family, as it does
    /// to a socket.
    /// </summary>
    public static IEnumerable<HostPortClaim> Of(PortMapping mapping)
    {
        foreach (var family in Family.Both)
        {
            if (mapping.HostIp is null || IsAny(mapping.HostIp) && Family.IsIPv6(mapping.HostIp) == family.IPv6)
                yield return new HostPortClaim(family.IPv6, null, mapping.Protocol, mapping.HostPort);
            else if (Family.IsIPv6(mapping.HostIp) == family.IPv6)
                yield return new HostPortClaim(family.IPv6, mapping.HostIp, mapping.Protocol, mapping.HostPort);
        }
    }

    /// <summary>Whether a packet could be for both: a claim of all addresses takes every single one.</summary>
    public bool Overlaps(HostPortClaim other) =>
        IPv6 == other.IPv6 && Protocol == other.Protocol && Port == other.Port
        && (Address is null || other.Address is null || Address.Equals(other.Address));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Address is null ? "any address" : Address)} port {Port}/{Protocol.ToString().ToUpperInvariant()}");

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}
