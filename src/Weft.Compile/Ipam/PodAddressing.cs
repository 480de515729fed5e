using System.Net;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Selectors;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Ipam;

/// <summary>Where the addresses of one family of a pod may come from, in order. The empty name stands for the Node's spec.podCIDRs.</summary>
public sealed record FamilyPools(bool IPv6, EquatableArray<string> Pools);

/// <summary>
/// Which addresses a pod is to have: by the annotations of the pod, then those of its namespace, then every pool that serves it unasked, then the
/// node's own prefixes.
/// </summary>
/// <param name="Fixed">Addresses that it must have, at most one a family.</param>
/// <param name="Families">One for each address that it gets.</param>
/// <param name="Problem">Why it can have none, naming the annotation and its value; null when nothing is wrong.</param>
public sealed record PodAddressing(EquatableArray<IPAddress> Fixed, EquatableArray<FamilyPools> Families, string? Problem = null)
{
    /// <summary>The Node's spec.podCIDRs in a list of pools.</summary>
    public const string OfNode = "";

    /// <param name="node">The node that the pod is on; null while the API does not show it.</param>
    /// <param name="pod">The pod; null for a container outside Kubernetes, or of a pod that the API does not show.</param>
    /// <param name="space">The pod's namespace, as <paramref name="pod"/>.</param>
    /// <param name="asked">Addresses that the runtime asks for, which go before those of the annotation.</param>
    public static PodAddressing Of(PoolPlan plan, Node? node, Workload? pod, Namespace? space, EquatableArray<IPAddress> asked)
    {
        var podPools = new List<IpPool>();
        var spacePools = new List<IpPool>();
        if (Named(plan, node, space, pod?.Annotations, podPools) is { } problem)
            return Wrong($"{problem} (annotation of pod {pod!.Key})");
        if (Named(plan, node, space, space?.Annotations, spacePools) is { } spaceProblem)
            return Wrong($"{spaceProblem} (annotation of namespace {space!.Name})");
        var wanted = asked;
        if (asked.IsEmpty && pod?.Annotations[IpamAnnotations.Addresses] is { } text)
        {
            var parsed = Parse(text, out var mistake);
            if (mistake is not null)
                return Wrong($"{IpamAnnotations.Addresses} is '{text}': {mistake} (annotation of pod {pod.Key})");
            wanted = parsed;
        }
        var serving = plan.Pools.Where(p => !p.Disabled && Serves(p, node, space)).ToList();
        var automatic = serving.Where(p => p.Assignment == PoolAssignment.Automatic)
            .OrderBy(p => p.NamespaceSelector is null).ThenBy(p => p.Name, StringComparer.Ordinal).ToList();
        var families = FamiliesOf(node, podPools.Concat(spacePools), automatic, wanted);
        var choices = families.Select(v6 => new FamilyPools(v6, Candidates(v6, podPools, spacePools, automatic))).ToEquatableArray();
        foreach (var address in wanted)
        {
            var candidates = choices.First(c => c.IPv6 == Family.IsIPv6(address)).Pools;
            // An address names its pool: one that is given by annotation only need not be named as well.
            var named = podPools.Concat(spacePools).Any(p => p.Cidr!.Value.IsIPv6 == Family.IsIPv6(address));
            var possible = named ? serving.Where(p => candidates.Contains(p.Name)) : serving;
            if (!possible.Any(p => p.Cidr!.Value.Contains(address)) && (named || node?.PodCidrs.Any(c => c.Contains(address)) != true))
                return Wrong($"address {address} was asked for, which is outside of {Prefixes(node, possible, !named)}");
        }
        return new PodAddressing(wanted, choices);
    }

    /// <summary>
    /// For a network configuration that names one pool: that pool and nothing else. Annotations and namespace selectors choose among pools; here the
    /// node's administrator has chosen, for a network whose gateway is no pod's.
    /// </summary>
    public static PodAddressing OfPool(PoolPlan plan, Node? node, string name, EquatableArray<IPAddress> asked)
    {
        if (plan.Find(name) is not { } pool)
            return Wrong(plan.WhyNot(name) is { } why ? $"IPPool {name} cannot be used: {why}" : $"there is no IPPool {name}");
        if (pool.Disabled)
            return Wrong($"IPPool {name} is disabled");
        if (pool.NodeSelector is { } selector && (node is null || !selector.Matches(node.Labels)))
            return Wrong($"the nodeSelector of IPPool {name} does not match node {node?.Name}");
        foreach (var address in asked)
            if (!pool.Cidr!.Value.Contains(address))
                return Wrong($"address {address} was asked for, which is outside of {pool.Cidr} of IPPool {name}");
        return new PodAddressing(asked, [new FamilyPools(pool.Cidr!.Value.IsIPv6, [name])]);
    }

    private static PodAddressing Wrong(string problem) => new([], [], problem);

    /// <summary>Whether a pool gives addresses to pods of a namespace on a node.</summary>
    private static bool Serves(IpPool pool, Node? node, Namespace? space) =>
        (pool.NodeSelector is null || node is not null && pool.NodeSelector.Matches(node.Labels))
        && (pool.NamespaceSelector is null || space is not null && pool.NamespaceSelector.Matches(space.Labels));

    private static string? Named(PoolPlan plan, Node? node, Namespace? space, Labels? annotations, List<IpPool> into)
    {
        if (annotations?[IpamAnnotations.Pools] is not { } text)
            return null;
        var start = $"{IpamAnnotations.Pools} is '{text}'";
        var names = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (names.Length == 0)
            return $"{start}, which names no pool";
        foreach (var name in names)
        {
            if (plan.Find(name) is not { } pool)
                return plan.WhyNot(name) is { } why ? $"{start}, and IPPool {name} cannot be used: {why}" : $"{start}, but there is no IPPool {name}";
            if (pool.Disabled)
                return $"{start}, but IPPool {name} is disabled";
            if (!Serves(pool, node, space))
                return pool.NodeSelector is not null && (node is null || !pool.NodeSelector.Matches(node.Labels))
                    ? $"{start}, but the nodeSelector of IPPool {name} does not match node {node?.Name}"
                    : $"{start}, but the namespaceSelector of IPPool {name} does not match namespace {space?.Name}";
            if (!into.Contains(pool))
                into.Add(pool);
        }
        return null;
    }

    private static EquatableArray<IPAddress> Parse(string text, out string? mistake)
    {
        mistake = null;
        var addresses = new List<IPAddress>(2);
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!IpPrefix.TryParse(part, out var prefix) || !prefix.IsHost || part.Contains('/'))
                mistake ??= $"'{part}' is not an address";
            else if (addresses.Any(a => Family.IsIPv6(a) == prefix.IsIPv6))
                mistake ??= $"it has two {(prefix.IsIPv6 ? "IPv6" : "IPv4")} addresses; give one a family";
            else
                addresses.Add(prefix.First);
        }
        return addresses.ToEquatableArray();
    }

    // Those that the node's prefixes have, and what is asked for by name; without either, those of the pools that serve unasked.
    private static List<bool> FamiliesOf(Node? node, IEnumerable<IpPool> named, List<IpPool> automatic, EquatableArray<IPAddress> wanted)
    {
        var families = (node?.PodCidrs ?? []).Select(c => c.IsIPv6)
            .Concat(named.Select(p => p.Cidr!.Value.IsIPv6))
            .Concat(wanted.Select(Family.IsIPv6))
            .Distinct().Order().ToList();
        return families.Count > 0 ? families : [.. automatic.Select(p => p.Cidr!.Value.IsIPv6).Distinct().Order()];
    }

    private static EquatableArray<string> Candidates(bool ipv6, List<IpPool> podPools, List<IpPool> spacePools, List<IpPool> automatic)
    {
        foreach (var named in new[] { podPools, spacePools })
            if (named.Where(p => p.Cidr!.Value.IsIPv6 == ipv6).Select(p => p.Name).ToList() is { Count: > 0 } names)
                return names.ToEquatableArray();
        return automatic.Where(p => p.Cidr!.Value.IsIPv6 == ipv6).Select(p => p.Name).Append(OfNode).ToEquatableArray();
    }

    private static string Prefixes(Node? node, IEnumerable<IpPool> pools, bool own)
    {
        var prefixes = (own ? node?.PodCidrs ?? [] : []).Select(c => $"{c} of node {node!.Name}").Concat(pools.Select(p => $"{p.Cidr} of pool {p.Name}")).ToList();
        return prefixes.Count == 0 ? "every prefix, since none serves this pod" : string.Join(", ", prefixes);
    }
}
