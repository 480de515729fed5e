using System.Text;
using System.Text.Json.Nodes;
using Weft.Compile.Show;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Model.Tables;
using Weft.Primitives;
using Weft.Reconcile.Nftables;

namespace Weft.Scenarios;

/// <summary>One folder of tests/Scenarios: a cluster, what it compiles to on its first node, and which connections it lets pass.</summary>
public sealed class Scenario
{
    /// <summary>The node whose compiled state desired.nft and routes.txt hold.</summary>
    public const string GoldenNode = "node1";

    private Scenario(string directory)
    {
        Directory = directory;
        Name = Path.GetFileName(directory);
        var yaml = File.ReadAllText(Path.Combine(directory, "cluster.yaml"));
        Cluster = new ScenarioCluster(ScenarioOptions.Read(yaml), ManifestReader.Read(yaml));
        Flows = FlowParser.Parse(File.ReadAllText(Path.Combine(directory, "flows.txt")), ipv6: !Cluster.Options.IPv4);
    }

    public string Name { get; }

    public string Directory { get; }

    public ScenarioCluster Cluster { get; }

    public IReadOnlyList<Flow> Flows { get; }

    /// <summary>
    /// What each pod must answer on for the flows to mean something: its container ports and what a flow names directly. A port that
    /// nobody listens on would look like a policy's refusal.
    /// </summary>
    public IReadOnlyDictionary<ObjectKey, IReadOnlySet<(Protocol Protocol, int Port)>> Listeners()
    {
        var listeners = new Dictionary<ObjectKey, IReadOnlySet<(Protocol, int)>>();
        foreach (var workload in Cluster.Snapshot.Workloads.Values)
        {
            var ports = ContainerPorts(workload.Key).ToHashSet();
            ports.UnionWith(Flows.Where(f => !f.IsPing && f.To is FlowEnd.Pod pod && pod.Key == workload.Key).Select(f => ((Protocol)f.Protocol, f.Port)));
            foreach (var slice in Cluster.Snapshot.EndpointSlices.Values.Where(s => s.Endpoints.Any(e => e.Target == workload.Key)))
                ports.UnionWith(slice.Ports.Select(p => (p.Protocol, p.Port)));
            listeners[workload.Key] = ports;
        }
        return listeners;
    }

    // From the manifest: a workload knows the named ones only.
    private IEnumerable<(Protocol Protocol, int Port)> ContainerPorts(ObjectKey pod) =>
        Cluster.Manifests
            .Where(m => (string)m["kind"]! == "Pod" && (string)m["metadata"]!["name"]! == pod.Name && ((string?)m["metadata"]!["namespace"] ?? "default") == pod.Namespace)
            .SelectMany(m => m["spec"]!["containers"]!.AsArray())
            .SelectMany(c => c!["ports"] as JsonArray ?? [])
            .Select(p => (Enum.Parse<Protocol>((string?)p!["protocol"] ?? "TCP", ignoreCase: true), (int)(long)p["containerPort"]!));

    public string DesiredNft() => NftRenderer.Render(Cluster.Compile(GoldenNode).Nft);

    /// <summary>The node's routing state as tables, one after the other.</summary>
    public string RoutesText()
    {
        var routing = Cluster.Compile(GoldenNode).Routing;
        var text = new StringBuilder();
        foreach (var table in new[] { Addresses(routing), TableCompiler.Routes(routing), Neighbors(routing), Forwarding(routing) })
            text.Append("# ").Append(table.Name).Append('\n').Append(table.ToText()).Append('\n');
        text.Length--;
        return text.ToString();
    }

    /// <summary>Every scenario below a directory, by name.</summary>
    public static IReadOnlyList<Scenario> LoadAll(string directory) =>
        [.. System.IO.Directory.EnumerateDirectories(directory)
            .Where(d => File.Exists(Path.Combine(d, "cluster.yaml")))
            .Order(StringComparer.Ordinal)
            .Select(d => new Scenario(d))];

    /// <summary>tests/Scenarios of the working tree that the running program was built in.</summary>
    /// <exception cref="DirectoryNotFoundException">The program does not run from inside the working tree.</exception>
    public static string FindDirectory()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Weft.slnx")))
                return Path.Combine(at.FullName, "tests", "Scenarios");
        }
        throw new DirectoryNotFoundException($"no directory above {AppContext.BaseDirectory} holds Weft.slnx");
    }

    private static ShowTable Addresses(RoutingState routing) => Table(
        "addresses", ["LINK", "MTU", "ADDRESS"],
        routing.Addresses.Select(a => Row(
            a.Link, routing.Links.FirstOrDefault(l => l.Name == a.Link)?.Mtu.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "", $"{a.Address}/{a.PrefixLength}")));

    private static ShowTable Neighbors(RoutingState routing) => Table(
        "neighbors", ["ADDRESS", "LINK", "MAC"], routing.Neighbors.Select(n => Row(n.Address.ToString(), n.Link, n.Mac.ToString())));

    private static ShowTable Forwarding(RoutingState routing) => Table(
        "forwarding", ["MAC", "LINK", "DESTINATION"], routing.Forwarding.Select(f => Row(f.Mac.ToString(), f.Link, f.Destination.ToString())));

    private static EquatableArray<string> Row(params ReadOnlySpan<string> cells) => new([.. cells]);

    private static ShowTable Table(string name, EquatableArray<string> columns, IEnumerable<EquatableArray<string>> rows) =>
        new(name, columns, rows.ToEquatableArray());

    public override string ToString() => Name;
}
