using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Policy;
using Weft.Primitives;

namespace Weft.Compile.Policy;

/// <summary>
/// The sets that policy rules look packets up in, made once for each distinct peer list and port list. A set is named after what it was
/// asked to hold; what it holds today is its elements.
/// </summary>
internal sealed class PolicySets(PodIndex pods, LocalPods local, NodePeers nodes)
{
    private readonly Dictionary<string, NftSet> _sets = new(StringComparer.Ordinal);
    private readonly Dictionary<(bool IPv6, string Text), List<IpPrefix>> _addresses = [];

    public IEnumerable<NftSet> All => _sets.Values;

    /// <summary>The addresses of a family that any of the peers covers: the name of a set of them.</summary>
    public string Peers(Family family, string ns, EquatableArray<PolicyPeer> peers)
    {
        var text = PolicyText.Peers(ns, peers);
        var name = $"peers-{family.Digit}-{ContentHash.Of(text)}";
        if (!_sets.ContainsKey(name))
        {
            var elements = Addresses(family, ns, peers, text).Select(p => new NftElement([NftValue.Of(p)]));
            _sets[name] = new NftSet(name, [family.AddressType], default, HasBlock(peers), elements.ToEquatableArray());
        }
        return name;
    }

    /// <summary>Address of any of the peers, protocol and port: the name of a set of them.</summary>
    public string PeerPorts(Family family, string ns, EquatableArray<PolicyPeer> peers, IReadOnlyList<PortRange> ports)
    {
        var text = PolicyText.Peers(ns, peers);
        var name = $"peer-ports-{family.Digit}-{ContentHash.Of($"{text} {string.Join(';', ports)}")}";
        if (!_sets.ContainsKey(name))
        {
            var addresses = Addresses(family, ns, peers, text);
            var elements = new List<NftElement>(addresses.Count * ports.Count);
            foreach (var address in addresses)
            {
                var value = NftValue.Of(address);
                foreach (var port in ports)
                    elements.Add(new NftElement([value, NftValue.Of(port.Protocol), port.Value]));
            }
            var interval = HasBlock(peers) || ports.Any(p => p.First != p.Last);
            _sets[name] = new NftSet(
                name, [family.AddressType, NftType.InetProto, NftType.InetService], default, interval, elements.ToEquatableArray());
        }
        return name;
    }

    /// <summary>Protocol and port: the name of a set of them.</summary>
    public string Ports(IReadOnlyList<PortRange> ports)
    {
        var name = $"ports-{ContentHash.Of(string.Join(';', ports))}";
        if (!_sets.ContainsKey(name))
        {
            _sets[name] = new NftSet(name, [NftType.InetProto, NftType.InetService], default, ports.Any(p => p.First != p.Last),
                ports.Select(p => new NftElement([NftValue.Of(p.Protocol), p.Value])).ToEquatableArray());
        }
        return name;
    }

    /// <summary>
    /// Address, protocol and port of every pod of this node on which one of the named ports resolves. Which of them a rule is about is
    /// settled before: only the pods that it selects come to its chain.
    /// </summary>
    public string LocalNamed(Family family, EquatableArray<PolicyPort> named)
    {
        var name = $"named-{family.Digit}-{ContentHash.Of(PolicyText.Ports(named))}";
        if (!_sets.ContainsKey(name))
            _sets[name] = Resolved(name, family, named, local.Pods.Where(p => p.Known is not null).SelectMany(p => p.Addresses.Select(a => (a, p.Known!))));
        return name;
    }

    /// <summary>The same of every pod of the cluster that is one of the peers; no peers stand for all.</summary>
    public string RemoteNamed(Family family, string ns, EquatableArray<PolicyPeer> peers, EquatableArray<PolicyPort> named)
    {
        var text = PolicyText.Peers(ns, peers);
        var name = $"peer-named-{family.Digit}-{ContentHash.Of($"{text} {PolicyText.Ports(named)}")}";
        if (!_sets.ContainsKey(name))
        {
            var addresses = peers.IsEmpty ? null : Addresses(family, ns, peers, text);
            _sets[name] = Resolved(name, family, named, pods.Pods
                .SelectMany(p => p.Addresses.Select(a => (Address: a, Pod: p)))
                .Where(p => addresses is null || PrefixSet.Covers(addresses, IpPrefix.Host(p.Address))));
        }
        return name;
    }

    private static NftSet Resolved(
        string name, Family family, EquatableArray<PolicyPort> named, IEnumerable<(System.Net.IPAddress Address, PeerPod Pod)> pods)
    {
        var elements = pods
            .Where(p => Family.IsIPv6(p.Address) == family.IPv6)
            .SelectMany(p => p.Pod.Ports
                .Where(port => named.Any(n => n.Name == port.Name && n.Protocol == port.Protocol))
                .Select(port => (p.Address, port.Protocol, port.Port)))
            .Distinct()
            .OrderBy(e => IpPrefix.ToBits(e.Address)).ThenBy(e => e.Protocol).ThenBy(e => e.Port)
            .Select(e => new NftElement([NftValue.Of(e.Address), NftValue.Of(e.Protocol), NftValue.Of(e.Port)]));
        return new NftSet(name, [family.AddressType, NftType.InetProto, NftType.InetService], default, Interval: false, elements.ToEquatableArray());
    }

    private List<IpPrefix> Addresses(Family family, string ns, EquatableArray<PolicyPeer> peers, string text)
    {
        if (_addresses.TryGetValue((family.IPv6, text), out var known))
            return known;
        var prefixes = new List<IpPrefix>();
        foreach (var peer in peers)
        {
            if (peer.Block is { } block)
            {
                if (block.Cidr.IsIPv6 == family.IPv6)
                    prefixes.AddRange(nodes.Resolve(block));
                continue;
            }
            foreach (var pod in pods.Select(ns, peer))
            {
                foreach (var address in pod.Addresses)
                {
                    if (Family.IsIPv6(address) == family.IPv6)
                        prefixes.Add(IpPrefix.Host(address));
                }
            }
        }
        // Without a block every member stays an address of its own, as a set without intervals wants it.
        var result = HasBlock(peers) ? PrefixSet.Union(prefixes) : [.. prefixes.Distinct().Order()];
        _addresses[(family.IPv6, text)] = result;
        return result;
    }

    private static bool HasBlock(EquatableArray<PolicyPeer> peers) => peers.Any(p => p.Block is not null);
}
