using System.Globalization;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Policy;
using Weft.Primitives;

namespace Weft.Compile.Policy;

/// <summary>One chain for each distinct list of policies and direction: what a rule allows returns, the rest is dropped at the end.</summary>
internal sealed class PolicyChains(IReadOnlyList<Family> families, PolicySets sets)
{
    private readonly Dictionary<string, NftChain> _chains = new(StringComparer.Ordinal);
    private readonly Dictionary<(ObjectKey Policy, bool Ingress), string> _texts = [];

    public IEnumerable<NftChain> All => _chains.Values;

    /// <summary>The name of the chain that judges pods which exactly these policies isolate. The policies are sorted by key.</summary>
    public string For(IReadOnlyList<NetworkPolicy> policies, bool ingress)
    {
        var text = string.Join('\n', policies.Select(p => TextOf(p, ingress)));
        var name = $"{(ingress ? "ingress" : "egress")}-{ContentHash.Of(text)}";
        if (!_chains.ContainsKey(name))
            _chains[name] = Build(name, policies, ingress);
        return name;
    }

    private string TextOf(NetworkPolicy policy, bool ingress)
    {
        if (!_texts.TryGetValue((policy.Key, ingress), out var text))
            _texts[(policy.Key, ingress)] = text = PolicyText.Of(policy, ingress);
        return text;
    }

    private NftChain Build(string name, IReadOnlyList<NetworkPolicy> policies, bool ingress)
    {
        var direction = ingress ? "ingress" : "egress";
        var rules = new List<NftRule>();
        foreach (var policy in policies)
        {
            if (policy.Invalid is not null)
                continue;
            var allowed = ingress ? policy.Ingress : policy.Egress;
            for (var i = 0; i < allowed.Count; i++)
            {
                var cause = string.Create(CultureInfo.InvariantCulture, $"NetworkPolicy {policy.Key} {direction}[{i}]");
                Allow(policy.Key.Namespace, allowed[i], ingress, cause, rules);
            }
        }
        var names = string.Join(", ", policies.Select(p => p.Key));
        rules.Add(NftParts.Rule($"not allowed by NetworkPolicy {names} {direction}", NftParts.Then(NftVerdict.Drop)));
        return new NftChain(name, null, rules.ToEquatableArray());
    }

    private void Allow(string ns, PolicyRule rule, bool ingress, string cause, List<NftRule> rules)
    {
        var numeric = PortRanges.Numeric(rule.Ports);
        var named = rule.Ports.Where(p => p.Name is not null).ToEquatableArray();
        if (rule.Peers.IsEmpty && rule.Ports.IsEmpty)
        {
            Add();
            return;
        }
        if (rule.Peers.IsEmpty && numeric.Count > 0)
            Add(new NftLookup([NftField.Protocol, NftField.DestinationPort], sets.Ports(numeric)));
        foreach (var family in families)
        {
            var peer = ingress ? family.Source : family.Destination;
            EquatableArray<NftField> peerPort = [peer, NftField.Protocol, NftField.DestinationPort];
            EquatableArray<NftField> destinationPort = [family.Destination, NftField.Protocol, NftField.DestinationPort];
            if (!rule.Peers.IsEmpty && rule.Ports.IsEmpty)
                Add(new NftLookup([peer], sets.Peers(family, ns, rule.Peers)));
            if (!rule.Peers.IsEmpty && numeric.Count > 0)
                Add(new NftLookup(peerPort, sets.PeerPorts(family, ns, rule.Peers, numeric)));
            if (named.IsEmpty)
                continue;
            if (!ingress)
                Add(new NftLookup(destinationPort, sets.RemoteNamed(family, ns, rule.Peers, named)));
            else if (rule.Peers.IsEmpty)
                Add(new NftLookup(destinationPort, sets.LocalNamed(family, named)));
            else
                Add(new NftLookup([peer], sets.Peers(family, ns, rule.Peers)), new NftLookup(destinationPort, sets.LocalNamed(family, named)));
        }

        void Add(params ReadOnlySpan<NftExpression> conditions)
        {
            NftExpression[] expressions = [.. conditions, NftParts.Then(NftVerdict.Return)];
            rules.Add(NftParts.Rule(cause, expressions));
        }
    }
}
