namespace Weft.Lab.Topology;

/// <summary>Address families of a lab's pods, Services and underlay.</summary>
public enum IpFamily { IPv4, IPv6, Dual }

public static class IpFamilies
{
    public static bool HasIPv4(this IpFamily family) => family != IpFamily.IPv6;

    public static bool HasIPv6(this IpFamily family) => family != IpFamily.IPv4;

    /// <exception cref="FormatException">The text is none of ipv4, ipv6, dual.</exception>
    public static IpFamily Parse(string text) => text.ToLowerInvariant() switch
    {
        "ipv4" => IpFamily.IPv4,
        "ipv6" => IpFamily.IPv6,
        "dual" => IpFamily.Dual,
        _ => throw new FormatException($"IP family \"{text}\" is unknown: use ipv4, ipv6 or dual"),
    };

    public static string ToText(this IpFamily family) => family switch
    {
        IpFamily.IPv4 => "ipv4",
        IpFamily.IPv6 => "ipv6",
        _ => "dual",
    };
}
