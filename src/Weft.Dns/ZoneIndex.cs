using System.Buffers;
using System.Net;
using Weft.Model.Dns;
using Weft.Primitives;

namespace Weft.Dns;

/// <summary>What the cluster's server knows of a name.</summary>
internal enum NameKind
{
    /// <summary>Not under the cluster's domain nor its reverse prefixes: for the upstream servers.</summary>
    Foreign,

    /// <summary>Would be ours, but does not exist (NXDOMAIN).</summary>
    Absent,

    /// <summary>Exists, perhaps only because other names lie below it (RFC 8020); may have no records.</summary>
    Present,
}

/// <summary>
/// A zone made ready for questions: immutable, looked up by text spans without allocating. Names are in lower case, without final dot.
/// </summary>
public sealed class ZoneIndex
{
    /// <summary>Version of the Kubernetes DNS specification that the answers follow (section 2.2).</summary>
    public const string SpecificationVersion = "1.1.0";

    private static readonly SearchValues<char> DigitsAndHyphen = SearchValues.Create("0123456789-");

    // Not frozen collections: a zone of thousands of names is rebuilt with every change of endpoints, and building those costs more than it saves.
    private readonly Dictionary<string, DnsRecord[]>.AlternateLookup<ReadOnlySpan<char>> _names;
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _namespaces;
    private readonly IpPrefix[] _reverseOf;
    private readonly string _suffix;
    private readonly string _podSuffix;

    /// <param name="servers">Addresses of the DNS Service, which ns.dns.DOMAIN stands for.</param>
    /// <param name="serial">Serial of the SOA record: to grow with each change (RFC 1982).</param>
    public ZoneIndex(DnsZone zone, IEnumerable<IPAddress> servers, uint serial)
    {
        Zone = zone;
        Domain = zone.Domain.ToLowerInvariant().TrimEnd('.');
        Serial = serial;
        ServerName = $"ns.dns.{Domain}";
        Mailbox = $"hostmaster.{Domain}";
        _suffix = "." + Domain;
        _podSuffix = ".pod" + _suffix;
        _reverseOf = [.. zone.ReverseOf];

        var names = new Dictionary<string, DnsRecord[]>(StringComparer.Ordinal);
        foreach (var set in zone.Records)
            names[set.Name.ToLowerInvariant()] = [.. set.Records];
        names.TryAdd($"dns-version{_suffix}", [new DnsText(SpecificationVersion)]);
        names.TryAdd(ServerName, [.. servers.Select(a => new DnsAddress(a))]);
        names.TryAdd(Domain, []);
        names.TryAdd($"svc{_suffix}", []);
        names.TryAdd($"pod{_suffix}", []);
        foreach (var name in zone.Namespaces)
        {
            names.TryAdd($"{name}.svc{_suffix}", []);
            names.TryAdd($"{name}{_podSuffix}", []);
        }
        foreach (var name in names.Keys.Where(n => n.EndsWith(_suffix, StringComparison.Ordinal)).ToList())
            for (var dot = name.IndexOf('.'); dot < name.Length - Domain.Length - 1; dot = name.IndexOf('.', dot + 1))
                names.TryAdd(name[(dot + 1)..], []);
        _names = names.GetAlternateLookup<ReadOnlySpan<char>>();
        _namespaces = zone.Namespaces.ToHashSet(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public DnsZone Zone { get; }

    public string Domain { get; }

    public uint Serial { get; }

    /// <summary>The name server in the SOA and NS records.</summary>
    public string ServerName { get; }

    /// <summary>The SOA record's mailbox.</summary>
    public string Mailbox { get; }

    public uint Ttl => (uint)Zone.TtlSeconds;

    /// <summary>Finds a name. <paramref name="apex"/> is the zone that it belongs to, for the SOA record of a negative answer.</summary>
    internal NameKind Find(ReadOnlySpan<char> name, out DnsRecord[] records, out ReadOnlySpan<char> apex)
    {
        records = [];
        apex = Domain;
        if (!name.EndsWith(_suffix, StringComparison.Ordinal) && !name.Equals(Domain, StringComparison.Ordinal))
            return FindReverse(name, out records, out apex);
        if (_names.TryGetValue(name, out var found))
        {
            records = found;
            return NameKind.Present;
        }
        return TryPod(name, out records) ? NameKind.Present : NameKind.Absent;
    }

    /// <summary>Specification section 2.6: a-b-c-d.NAMESPACE.pod.DOMAIN is a.b.c.d, for any address, where the namespace exists.</summary>
    private bool TryPod(ReadOnlySpan<char> name, out DnsRecord[] records)
    {
        records = [];
        if (!name.EndsWith(_podSuffix, StringComparison.Ordinal))
            return false;
        var rest = name[..^_podSuffix.Length];
        var dot = rest.IndexOf('.');
        if (dot is <= 0 or > 45 || !_namespaces.Contains(rest[(dot + 1)..]))
            return false;
        var host = rest[..dot];
        Span<char> text = stackalloc char[45];
        text = text[..host.Length];
        var v4 = host.Count('-') == 3 && !host.ContainsAnyExcept(DigitsAndHyphen);
        host.Replace(text, '-', v4 ? '.' : ':');
        if (!IPAddress.TryParse(text, out var address) || v4 && text.ToString() != address.ToString())
            return false;
        records = [new DnsAddress(address)];
        return true;
    }

    private NameKind FindReverse(ReadOnlySpan<char> name, out DnsRecord[] records, out ReadOnlySpan<char> apex)
    {
        apex = name;
        if (_names.TryGetValue(name, out var found))
        {
            records = found;
            return NameKind.Present;
        }
        records = [];
        return ReverseAddress(name) is { } address && Array.Exists(_reverseOf, p => p.Contains(address)) ? NameKind.Absent : NameKind.Foreign;
    }

    /// <summary>The address of a full reverse name (RFC 1035 section 3.5, RFC 3596 section 2.5), or null.</summary>
    private static IPAddress? ReverseAddress(ReadOnlySpan<char> name)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (name.EndsWith(".in-addr.arpa", StringComparison.Ordinal))
        {
            var rest = name[..^".in-addr.arpa".Length];
            for (var i = 3; i >= 0; i--)
            {
                var dot = rest.IndexOf('.');
                if (dot < 0 != (i == 0) || !byte.TryParse(dot < 0 ? rest : rest[..dot], System.Globalization.NumberStyles.None, null, out bytes[i]))
                    return null;
                rest = rest[(dot + 1)..];
            }
            return new IPAddress(bytes[..4]);
        }
        if (!name.EndsWith(".ip6.arpa", StringComparison.Ordinal) || name.Length != 63 + ".ip6.arpa".Length)
            return null;
        for (var i = 0; i < 32; i++)
        {
            var digit = name[2 * i];
            if (!char.IsAsciiHexDigitLower(digit) || name[2 * i + 1] != '.')
                return null;
            bytes[15 - i / 2] |= (byte)((digit <= '9' ? digit - '0' : digit - 'a' + 10) << (i % 2 * 4));
        }
        return new IPAddress(bytes);
    }
}
