using System.Net;
using System.Net.Sockets;
using Weft.Model.Nft;

namespace Weft.Compile.Tables;

/// <summary>What differs between IPv4 and IPv6 in rules: field names, set types and the digit that names carry.</summary>
internal sealed record Family(bool IPv6, char Digit, NftField Source, NftField Destination, NftType AddressType)
{
    public static Family V4 { get; } = new(false, '4', NftField.Ipv4Source, NftField.Ipv4Destination, NftType.Ipv4Address);

    public static Family V6 { get; } = new(true, '6', NftField.Ipv6Source, NftField.Ipv6Destination, NftType.Ipv6Address);

    public static IReadOnlyList<Family> Both { get; } = [V4, V6];

    public static Family Of(IPAddress address) => IsIPv6(address) ? V6 : V4;

    public static bool IsIPv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;
}
