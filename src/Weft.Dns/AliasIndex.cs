using System.Net;
using Weft.Model.Dns;

namespace Weft.Dns;

/// <summary>Aliases made ready for questions: immutable, looked up by the client's address and then by name.</summary>
public sealed class AliasIndex
{
    private readonly Dictionary<IPAddress, List<Network>> _networks = [];

    public AliasIndex(IEnumerable<DnsAliases> networks)
    {
        foreach (var network in networks)
        {
            var names = new Dictionary<string, DnsRecord[]>(StringComparer.Ordinal);
            foreach (var set in network.Names)
            {
                names[set.Name] = [.. set.Records];
                names[$"{set.Name}.{network.Network}"] = [.. set.Records];
            }
            var known = new Network(names.GetAlternateLookup<ReadOnlySpan<char>>());
            foreach (var member in network.Members)
            {
                if (!_networks.TryGetValue(member, out var list))
                    _networks[member] = list = [];
                list.Add(known);
            }
        }
    }

    /// <summary>The addresses of a name in the networks that the client is on; null when it has none there.</summary>
    /// <param name="name">In lower case, without final dot: ALIAS or ALIAS.NETWORK.</param>
    internal DnsRecord[]? Find(IPAddress client, ReadOnlySpan<char> name)
    {
        foreach (var network in _networks.GetValueOrDefault(client) ?? [])
        {
            if (network.Names.TryGetValue(name, out var records))
                return records;
        }
        return null;
    }

    private sealed record Network(Dictionary<string, DnsRecord[]>.AlternateLookup<ReadOnlySpan<char>> Names);
}
