using Weft.Agent.Flow;
using Weft.Compile.Show;
using Weft.Model.Tables;
using Weft.Primitives;
using Weft.Reconcile.Nftables;
using Weft.Store;

namespace Weft.Agent.Admin;

/// <summary>The tables of <c>weft show</c>, for this node as it is now.</summary>
internal sealed class AgentTables(ClusterStore store, NodeFlow flow, NodeDrift drift)
{
    public static IReadOnlyList<string> Names { get; } = ["nodes", "pods", "services", "policies", "hostports", "routes", "nft", "drift", "diagnostics"];

    /// <summary>Null for a name that is no table's, and for tables of the compiled state while there is none.</summary>
    public ShowTable? Find(string name) => name switch
    {
        "nodes" => TableCompiler.Nodes(store.Current),
        "pods" => TableCompiler.Pods(store.Current),
        "services" => TableCompiler.Services(flow.Latest?.Snapshot ?? store.Current),
        "policies" => TableCompiler.Policies(store.Current, flow.Latest is { InForce: true } pass ? pass.Snapshot : null),
        "hostports" => TableCompiler.HostPorts(store.Current),
        "routes" => flow.Latest is { } pass ? TableCompiler.Routes(pass.Desired.Routing) : null,
        "nft" => flow.Latest is { } pass ? NftShow.Table(pass.Desired.Nft) : null,
        "drift" => flow.Latest is { } pass ? drift.Table(pass.Desired) : null,
        "diagnostics" => flow.Latest is { } pass ? Diagnostics(pass) : null,
        _ => null,
    };

    private static ShowTable Diagnostics(Pass pass) => new(
        "diagnostics",
        ["OBJECT", "FIELD", "FOUND", "ADVICE"],
        pass.Desired.Diagnostics.Select(d => (EquatableArray<string>)[d.Object, d.Field, d.Found, d.Advice]).ToEquatableArray());
}
