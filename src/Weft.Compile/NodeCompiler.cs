using Weft.Compile.HostPorts;
using Weft.Compile.Ipam;
using Weft.Compile.Masquerade;
using Weft.Compile.Policy;
using Weft.Compile.Routing;
using Weft.Compile.Services;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile;

/// <summary>
/// Cluster in, one node's desired state out. A pure function: the same snapshot content compiles to an equal state on every machine,
/// whatever the order in which its objects arrived.
/// </summary>
public static class NodeCompiler
{
    public static DesiredState Compile(NodeConfig config, ClusterSnapshot snapshot)
    {
        var diagnostics = new List<Diagnostic>();
        var pools = PoolPlan.Of(config, snapshot);
        config = EffectiveConfig.Of(config, snapshot, pools);
        diagnostics.AddRange(pools.Diagnostics);
        var plan = NodePlan.Of(config, snapshot);
        var pods = new PodIndex(snapshot);
        var local = new LocalPods(config.NodeName, snapshot.Attachments.Values, pods);
        var routing = RoutingCompiler.Compile(config, local, plan, diagnostics);
        // Within a hook rules stand in this order: what is settled already, then what cannot be delivered, then what is not allowed.
        var table = TableAssembler.Assemble(WeftNames.Table,
        [
            SourceGuard.Compile(config, local),
            ServicesCompiler.Compile(config, snapshot, plan.Find(config.NodeName), diagnostics),
            HostPortsCompiler.Compile(config, snapshot, plan.Find(config.NodeName), diagnostics),
            PolicyCompiler.Compile(config, snapshot, plan, pods, local, diagnostics),
            MasqueradeCompiler.Compile(config, plan, pools, local),
        ]);
        return new DesiredState(routing, table, diagnostics.ToEquatableArray());
    }
}
