using Weft.Compile.Routing;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Policy;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Policy;

/// <summary>
/// NetworkPolicy v1 at the forward hook: a pod's egress is judged on its own node, ingress on the node of the destination, both after
/// Services were translated. What a pod exchanges with its own node passes input and output and is not judged.
/// </summary>
internal static class PolicyCompiler
{
    private const string UnknownChain = "pod-unknown";

    public static NftParts Compile(
        NodeConfig config, ClusterSnapshot snapshot, NodePlan plan, PodIndex pods, LocalPods local, List<Diagnostic> diagnostics)
    {
        var parts = new NftParts();
        var families = Family.Both.Where(f => config.ClusterCidrs.Any(c => c.IsIPv6 == f.IPv6)).ToList();
        var sets = new PolicySets(pods, local, new NodePeers(plan));
        var chains = new PolicyChains(families, sets);
        var byNamespace = snapshot.Policies.Values.OrderBy(p => p.Key)
            .GroupBy(p => p.Key.Namespace, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.ToList(), StringComparer.Ordinal);
        diagnostics.AddRange(snapshot.Policies.Values.Where(p => p.Invalid is not null).OrderBy(p => p.Key).Select(p => new Diagnostic(
            $"NetworkPolicy {p.Key}", "spec", p.Invalid!,
            "the pods that it selects accept and send nothing until the policy is corrected")));

        var unknown = false;
        var ingress = new List<(LocalPod Pod, string Chain)>();
        var egress = new List<(LocalPod Pod, string Chain)>();
        foreach (var pod in local.Pods)
        {
            if (pod.Known is null)
            {
                unknown = true;
                ingress.Add((pod, UnknownChain));
                egress.Add((pod, UnknownChain));
                continue;
            }
            if (!byNamespace.TryGetValue(pod.Key.Namespace, out var policies))
                continue;
            var selecting = policies.FindAll(p => p.PodSelector.Matches(pod.Known.Labels));
            Isolate(pod, selecting.FindAll(p => p.IsolatesIngress || p.Invalid is not null), true, ingress);
            Isolate(pod, selecting.FindAll(p => p.IsolatesEgress || p.Invalid is not null), false, egress);
        }
        if (unknown)
        {
            parts.Chains.Add(new NftChain(UnknownChain, null,
                [NftParts.Rule("the API has not shown this pod yet", NftParts.Then(NftVerdict.Drop))]));
        }
        parts.Chains.AddRange(chains.All);
        parts.Sets.AddRange(sets.All);
        foreach (var family in families)
        {
            parts.Forward.Add(NftParts.Rule("a pod always reaches itself",
                new NftLookup([family.Source, family.Destination], $"pods-self-{family.Digit}"), NftParts.Then(NftVerdict.Accept)));
        }
        Map("egress", f => f.Source, egress);
        Map("ingress", f => f.Destination, ingress);
        return parts;

        void Isolate(LocalPod pod, List<NetworkPolicy> isolating, bool incoming, List<(LocalPod, string)> into)
        {
            if (isolating.Count > 0)
                into.Add((pod, chains.For(isolating, incoming)));
        }

        void Map(string direction, Func<Family, NftField> field, List<(LocalPod Pod, string Chain)> judged)
        {
            foreach (var family in families)
            {
                var map = $"{direction}-{family.Digit}";
                var elements = judged
                    .SelectMany(j => j.Pod.Addresses.Where(a => Family.IsIPv6(a) == family.IPv6).Select(a => (Address: a, j.Chain)))
                    .OrderBy(e => IpPrefix.ToBits(e.Address))
                    .Select(e => new NftElement([NftValue.Of(e.Address)], Verdict: NftVerdict.Jump(e.Chain)));
                parts.Sets.Add(new NftSet(map, [family.AddressType], [NftType.Verdict], Interval: false, elements.ToEquatableArray()));
                parts.Forward.Add(NftParts.Rule($"NetworkPolicy: {direction}", new NftVerdictMap([field(family)], map)));
            }
        }
    }
}
