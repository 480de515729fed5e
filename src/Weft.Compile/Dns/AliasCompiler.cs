using Weft.Model.Dns;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Dns;

/// <summary>
/// Aliases of this node's containers to names, a network at a time. They are the node's own: no other node knows of them, since runtimes that ask for
/// aliases have networks of one machine.
/// </summary>
public static class AliasCompiler
{
    public static EquatableArray<DnsAliases> Compile(ClusterSnapshot snapshot) =>
        snapshot.Attachments.Values
            .GroupBy(a => a.Network.ToLowerInvariant(), StringComparer.Ordinal)
            .Where(network => network.Any(a => !a.Aliases.IsEmpty))
            .OrderBy(network => network.Key, StringComparer.Ordinal)
            .Select(network => Network(network.Key, [.. network]))
            .ToEquatableArray();

    private static DnsAliases Network(string name, IReadOnlyList<Attachment> attachments) => new(
        name,
        attachments.SelectMany(a => a.Addresses).Distinct().OrderBy(a => IpPrefix.Host(a)).ToEquatableArray(),
        attachments
            .SelectMany(a => a.Aliases.SelectMany(alias => a.Addresses.Select(address => (Alias: alias.ToLowerInvariant().TrimEnd('.'), Address: address))))
            // A name with a dot would stand in somebody else's domain.
            .Where(a => a.Alias.Length is > 0 and <= 63 && !a.Alias.Contains('.', StringComparison.Ordinal))
            .GroupBy(a => a.Alias, StringComparer.Ordinal)
            .OrderBy(a => a.Key, StringComparer.Ordinal)
            .Select(a => new DnsRecordSet(
                a.Key, a.Select(x => x.Address).Distinct().OrderBy(x => IpPrefix.Host(x)).Select(x => (DnsRecord)new DnsAddress(x)).ToEquatableArray()))
            .ToEquatableArray());
}
