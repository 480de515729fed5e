using System.Net;
using Weft.Primitives;

namespace Weft.Model.Dns;

/// <summary>Data of one resource record. A closed set: compiler and resolver switch over all of it. Targets are names without final dot.</summary>
public abstract record DnsRecord;

/// <summary>A or AAAA, by the address's family (RFC 1035 section 3.4.1, RFC 3596).</summary>
public sealed record DnsAddress(IPAddress Address) : DnsRecord;

/// <summary>SRV (RFC 2782).</summary>
public sealed record DnsService(int Priority, int Weight, int Port, string Target) : DnsRecord;

/// <summary>PTR (RFC 1035 section 3.3.12).</summary>
public sealed record DnsPointer(string Target) : DnsRecord;

/// <summary>CNAME (RFC 1035 section 3.3.1); the only record of its name.</summary>
public sealed record DnsAlias(string Target) : DnsRecord;

/// <summary>TXT of one string (RFC 1035 section 3.3.14).</summary>
public sealed record DnsText(string Text) : DnsRecord;

/// <summary>A name and all its records. The name is in lower case, without final dot; it may lie under in-addr.arpa or ip6.arpa.</summary>
public sealed record DnsRecordSet(string Name, EquatableArray<DnsRecord> Records);

/// <summary>
/// All that the cluster's DNS server answers by itself (Kubernetes DNS specification 1.1.0). Names that exist only because others lie below
/// them (svc.cluster.local) need not be listed. Pod names (a-b-c-d.NAMESPACE.pod.DOMAIN, section 2.6) are not listed either: they follow from
/// <see cref="Namespaces"/>.
/// </summary>
/// <param name="Domain">Such as cluster.local: names under it that are not listed do not exist.</param>
/// <param name="Records">Sorted by name, each name once.</param>
/// <param name="ReverseOf">Prefixes whose reverse names (PTR) are answered here only: the Service and pod prefixes.</param>
/// <param name="Namespaces">Names of the namespaces that exist, sorted.</param>
/// <param name="TtlSeconds">How long clients may keep an answer.</param>
public sealed record DnsZone(
    string Domain,
    EquatableArray<DnsRecordSet> Records,
    EquatableArray<IpPrefix> ReverseOf,
    EquatableArray<string> Namespaces,
    int TtlSeconds = 5)
{
    public static DnsZone Empty { get; } = new("cluster.local", [], [], []);

    /// <summary>The name that a PTR query for an address asks about (RFC 1035 section 3.5, RFC 3596 section 2.5).</summary>
    public static string ReverseName(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        if (length == 4)
            return $"{bytes[3]}.{bytes[2]}.{bytes[1]}.{bytes[0]}.in-addr.arpa";
        return string.Create(72, bytes.ToArray(), static (text, b) =>
        {
            for (var i = 0; i < 16; i++)
            {
                text[4 * i] = Digit(b[15 - i] & 15);
                text[4 * i + 1] = '.';
                text[4 * i + 2] = Digit(b[15 - i] >> 4);
                text[4 * i + 3] = '.';
            }
            "ip6.arpa".CopyTo(text[64..]);
        });

        static char Digit(int value) => "0123456789abcdef"[value];
    }
}
