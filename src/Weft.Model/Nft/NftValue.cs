using System.Net;
using Weft.Primitives;

namespace Weft.Model.Nft;

/// <summary>A constant in an element or a match.</summary>
public abstract record NftValue
{
    public static NftValue Of(IPAddress address) => new NftAddress(address);

    public static NftValue Of(IpPrefix prefix) => prefix.IsHost ? new NftAddress(prefix.First) : new NftPrefix(prefix);

    public static NftValue Of(Protocol protocol) => new NftProtocol((byte)protocol);

    public static NftValue Of(long number) => new NftNumber(number);
}

public sealed record NftAddress(IPAddress Address) : NftValue;

public sealed record NftPrefix(IpPrefix Prefix) : NftValue;

/// <summary>Inclusive.</summary>
public sealed record NftAddressRange(IPAddress First, IPAddress Last) : NftValue;

/// <summary>An IP protocol number, which may also be one of ICMP (1) or ICMPv6 (58).</summary>
public sealed record NftProtocol(byte Number) : NftValue;

/// <summary>A port, mark or index.</summary>
public sealed record NftNumber(long Number) : NftValue;

/// <summary>Ports, inclusive.</summary>
public sealed record NftRange(long First, long Last) : NftValue;

public sealed record NftText(string Text) : NftValue;
