namespace Weft.Model;

/// <summary>Transport protocols that Services and policies name; the values are IANA protocol numbers.</summary>
public enum Protocol : byte
{
    Tcp = 6,
    Udp = 17,
    Sctp = 132,
}
