using Weft.Model;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Ipam;

/// <summary>
/// Which pools count. Every node computes the same answer from the same objects: of two pools that overlap the older one counts, and of two of the
/// same second the one whose name sorts first.
/// </summary>
public sealed class PoolPlan
{
    private readonly Dictionary<string, IpPool> _pools = new(StringComparer.Ordinal);

    private PoolPlan()
    {
    }

    /// <summary>Pools that can be used, disabled ones among them, by name.</summary>
    public IEnumerable<IpPool> Pools => _pools.Values.OrderBy(p => p.Name, StringComparer.Ordinal);

    public List<Diagnostic> Diagnostics { get; } = [];

    public IpPool? Find(string name) => _pools.GetValueOrDefault(name);

    /// <summary>Why a pool is left out; null when it is not.</summary>
    public string? WhyNot(string name) => Diagnostics.Where(d => d.Object == NameOf(name)).Select(d => $"{d.Field} is '{d.Found}': {d.Advice}").FirstOrDefault();

    public static PoolPlan Of(NodeConfig config, ClusterSnapshot snapshot)
    {
        var plan = new PoolPlan();
        foreach (var pool in snapshot.Pools.Values.OrderBy(p => p.Created).ThenBy(p => p.Name, StringComparer.Ordinal))
        {
            if (pool.Cidr is not { } cidr || pool.Invalid is not null)
                plan.Diagnostics.Add(new Diagnostic(NameOf(pool.Name), "spec", pool.Invalid ?? "", "nothing is given of this pool until it is corrected"));
            else if (plan.Fault(config, snapshot, cidr) is { } advice)
                plan.Diagnostics.Add(new Diagnostic(NameOf(pool.Name), "spec.cidr", cidr.ToString(), advice));
            else
                plan._pools[pool.Name] = pool;
        }
        return plan;
    }

    private static string NameOf(string pool) => $"IPPool {pool}";

    private string? Fault(NodeConfig config, ClusterSnapshot snapshot, IpPrefix cidr)
    {
        foreach (var other in _pools.Values)
            if (other.Cidr!.Value.Overlaps(cidr))
                return $"it overlaps {other.Cidr} of the older IPPool {other.Name}, and nothing is given of it; use a prefix of its own";
        foreach (var services in config.ServiceCidrs)
            if (services.Overlaps(cidr))
                return $"it overlaps the Service prefix {services}, and nothing is given of it; use another prefix";
        foreach (var node in snapshot.Nodes.Values.OrderBy(n => n.Name, StringComparer.Ordinal))
            foreach (var address in node.Addresses)
                if (cidr.Contains(address))
                    return $"it holds {address}, an address of Node {node.Name}, and nothing is given of it; use a prefix apart from the node network";
        return null;
    }
}
