namespace Weft.Wire.Dns;

/// <summary>Types of resource records (IANA, DNS parameters) that Weft reads inside of.</summary>
public static class DnsType
{
    public const ushort A = 1;
    public const ushort Ns = 2;
    public const ushort Cname = 5;
    public const ushort Soa = 6;
    public const ushort Ptr = 12;
    public const ushort Mx = 15;
    public const ushort Txt = 16;
    public const ushort Aaaa = 28;
    public const ushort Srv = 33;
    public const ushort Dname = 39;
    public const ushort Opt = 41;
    public const ushort Ixfr = 251;
    public const ushort Axfr = 252;
    public const ushort Any = 255;
}

/// <summary>Response codes (RFC 1035 section 4.1.1; BADVERS is RFC 6891 section 9, extended beyond the header's four bits).</summary>
public enum DnsResponseCode
{
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,
    BadVersion = 16,
}

/// <summary>Sizes that the protocol fixes, in bytes.</summary>
public static class DnsLimits
{
    public const int Header = 12;

    /// <summary>RFC 1035 section 3.1: a name on the wire, its final zero included.</summary>
    public const int Name = 255;

    /// <summary>RFC 1035 section 2.3.4.</summary>
    public const int Label = 63;

    /// <summary>RFC 1035 section 4.2.1: a message over UDP without EDNS.</summary>
    public const int PlainUdp = 512;

    /// <summary>What passes any network unfragmented: 1280 bytes of IPv6 less its headers (RFC 9715 section 3).</summary>
    public const int UnfragmentedUdp = 1232;

    /// <summary>RFC 1035 section 4.2.2: the length before a message over TCP has 16 bits.</summary>
    public const int Tcp = 65535;

    /// <summary>Longest text of a name: each byte of a label may take four characters (\DDD).</summary>
    public const int NameText = 4 * Name;
}

/// <summary>A DNS message is malformed; the message says what and at which byte.</summary>
public sealed class DnsFormatException(string message) : Exception(message);
