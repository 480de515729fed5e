using Weft.Model.Policy;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Tests.Properties;

/// <summary>Makes a failing cluster small: takes away whatever can go while it still fails, until nothing can.</summary>
internal static class ClusterReduction
{
    public static ClusterSnapshot Minimal(ClusterSnapshot cluster, Func<ClusterSnapshot, bool> fails)
    {
        while (Smaller(cluster).FirstOrDefault(fails) is { } smaller)
            cluster = smaller;
        return cluster;
    }

    private static IEnumerable<ClusterSnapshot> Smaller(ClusterSnapshot cluster)
    {
        foreach (var key in cluster.Policies.Keys)
            yield return cluster with { Policies = cluster.Policies.Remove(key) };
        foreach (var key in cluster.Workloads.Keys)
            yield return cluster with { Workloads = cluster.Workloads.Remove(key) };
        foreach (var policy in cluster.Policies.Values)
        {
            foreach (var smaller in Smaller(policy))
                yield return cluster with { Policies = cluster.Policies.SetItem(policy.Key, smaller) };
        }
    }

    private static IEnumerable<NetworkPolicy> Smaller(NetworkPolicy policy)
    {
        foreach (var rules in Smaller(policy.Ingress))
            yield return policy with { Ingress = rules };
        foreach (var rules in Smaller(policy.Egress))
            yield return policy with { Egress = rules };
        if (policy is { IsolatesIngress: true, IsolatesEgress: true })
        {
            yield return policy with { IsolatesIngress = false };
            yield return policy with { IsolatesEgress = false };
        }
    }

    private static IEnumerable<EquatableArray<PolicyRule>> Smaller(EquatableArray<PolicyRule> rules)
    {
        foreach (var without in Without(rules))
            yield return without;
        for (var i = 0; i < rules.Count; i++)
        {
            var at = i;
            // The last peer or port stays: none at all would mean every one.
            foreach (var peers in Without(rules[at].Peers).Where(p => p.Count > 0))
                yield return rules.Select((r, n) => n == at ? r with { Peers = peers } : r).ToEquatableArray();
            foreach (var ports in Without(rules[at].Ports).Where(p => p.Count > 0))
                yield return rules.Select((r, n) => n == at ? r with { Ports = ports } : r).ToEquatableArray();
        }
    }

    private static IEnumerable<EquatableArray<T>> Without<T>(EquatableArray<T> items) =>
        Enumerable.Range(0, items.Count).Select(i => items.Where((_, n) => n != i).ToEquatableArray());
}
