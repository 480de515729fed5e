using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Weft.Compile.Ipam;
using Weft.Compile.Tracing;
using Weft.Kubernetes.Api;
using Weft.Kubernetes.Convert;
using Weft.Model;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Scenarios;

/// <summary>
/// A cluster out of manifests: what API server, scheduler and controllers would have added (addresses, EndpointSlices) is filled in
/// deterministically where the manifests leave it open, and everything is converted as the agent converts it.
/// </summary>
public sealed class ScenarioCluster
{
    private static readonly IpPrefix PodsV4 = IpPrefix.Parse("10.244.0.0/16");
    private static readonly IpPrefix PodsV6 = IpPrefix.Parse("fd00:244::/56");
    private static readonly IpPrefix ServicesV4 = IpPrefix.Parse("10.96.0.0/16");
    private static readonly IpPrefix ServicesV6 = IpPrefix.Parse("fd00:96::/112");

    private static readonly bool[] BothFamilies = [false, true];

    private readonly Dictionary<IpPrefix, int> _lastPod = [];
    private readonly HashSet<ObjectKey> _unready = [];
    private int _lastService = 255;

    public ScenarioCluster(ScenarioOptions options, IReadOnlyList<JsonObject> manifests)
    {
        Options = options;
        Manifests = manifests;
        for (var i = 0; i < options.Nodes; i++)
            AddNode(i);
        foreach (var manifest in manifests.OrderBy(Rank).ThenBy(Name, StringComparer.Ordinal))
            Add((JsonObject)manifest.DeepClone());
    }

    public ScenarioOptions Options { get; }

    /// <summary>The manifests as they were written, for whoever applies them to an API server.</summary>
    public IReadOnlyList<JsonObject> Manifests { get; }

    public ClusterSnapshot Snapshot { get; private set; } = ClusterSnapshot.Empty;

    /// <summary>Pods whose status says Ready is False.</summary>
    public IReadOnlySet<ObjectKey> Unready => _unready;

    /// <summary>A host on the underlay that is not a node.</summary>
    public static IPAddress Outside(bool ipv6) => IPAddress.Parse(ipv6 ? "fd00:30::2" : "172.30.0.2");

    public IEnumerable<IPAddress> DnsAddresses => Families.Select(v6 => (v6 ? ServicesV6 : ServicesV4).AddressAt(10));

    private IEnumerable<bool> Families => BothFamilies.Where(v6 => v6 ? Options.IPv6 : Options.IPv4);

    public NodeConfig Config(string node) => new(
        node,
        Families.Select(v6 => v6 ? PodsV6 : PodsV4).ToEquatableArray(),
        Families.Select(v6 => v6 ? ServicesV6 : ServicesV4).ToEquatableArray(),
        DnsAddresses.ToEquatableArray(),
        "cluster.local",
        "eth0",
        1500);

    public DesiredState Compile(string node) =>
        Weft.Compile.NodeCompiler.Compile(Config(node), SyntheticAttachments.For(Snapshot, node));

    public ClusterTracer Tracer() => ClusterTracer.Compile(Snapshot, Config);

    // What others need comes before them.
    private static int Rank(JsonObject manifest) => manifest["kind"]!.GetValue<string>() switch
    {
        "Namespace" or "IPPool" or "IPBlock" => 0,
        "Service" => 2,
        _ => 1,
    };

    // The addressing of a lab of as many nodes, so that flows and blocks mean the same in both.
    private void AddNode(int i)
    {
        var node = new Model.Cluster.Node(
            $"node{i + 1}",
            Families.Select(v6 => IPAddress.Parse(v6 ? $"fd00:30::{11 + i:x}" : $"172.30.0.{11 + i}")).ToEquatableArray(),
            Families.Select(v6 => v6 ? PodsV6.Subnet(64, (uint)i) : PodsV4.Subnet(24, (uint)i)).ToEquatableArray(),
            Model.Selectors.Labels.Empty,
            true);
        Snapshot = Snapshot with { Nodes = Snapshot.Nodes.SetItem(node.Name, node) };
    }

    private void Add(JsonObject manifest)
    {
        var metadata = manifest["metadata"]!.AsObject();
        var kind = manifest["kind"]!.GetValue<string>();
        if (kind == "Namespace")
        {
            Map(metadata, "labels")["kubernetes.io/metadata.name"] = Name(manifest);
            var ns = NamespaceConverter.Convert(Read(manifest, ApiJson.Default.ApiNamespace));
            Snapshot = Snapshot with { Namespaces = Snapshot.Namespaces.SetItem(ns.Name, ns) };
            return;
        }
        if (kind == "IPPool")
        {
            var pool = IpPoolConverter.Convert(Read(manifest, ApiJson.Default.ApiAddressPool));
            Snapshot = Snapshot with { Pools = Snapshot.Pools.SetItem(pool.Name, pool) };
            return;
        }
        if (kind == "IPBlock")
        {
            var block = IpBlockConverter.Convert(Read(manifest, ApiJson.Default.ApiAddressBlock));
            Snapshot = Snapshot with { Blocks = Snapshot.Blocks.SetItem(block.Name, block) };
            return;
        }
        if (metadata["namespace"] is null)
            metadata["namespace"] = "default";
        switch (kind)
        {
            case "Pod":
                FillPod(manifest);
                var pod = WorkloadConverter.Convert(Read(manifest, ApiJson.Default.ApiPod));
                Snapshot = Snapshot with { Workloads = Snapshot.Workloads.SetItem(pod.Key, pod) };
                break;
            case "Service":
                FillService(manifest);
                var service = ServiceConverter.Convert(Read(manifest, ApiJson.Default.ApiService));
                Snapshot = Snapshot with { Services = Snapshot.Services.SetItem(service.Key, service) };
                foreach (var slice in EndpointDerivation.Slices(manifest, service, Snapshot.Workloads.Values, _unready))
                    Snapshot = Snapshot with { EndpointSlices = Snapshot.EndpointSlices.SetItem(slice.Key, slice) };
                break;
            case "EndpointSlice":
                var given = EndpointSliceConverter.Convert(Read(manifest, ApiJson.Default.ApiEndpointSlice));
                Snapshot = Snapshot with { EndpointSlices = Snapshot.EndpointSlices.SetItem(given.Key, given) };
                break;
            case "NetworkPolicy":
                var policy = PolicyConverter.Convert(Read(manifest, ApiJson.Default.ApiNetworkPolicy));
                Snapshot = Snapshot with { Policies = Snapshot.Policies.SetItem(policy.Key, policy) };
                break;
            default:
                throw new FormatException($"{kind} {Name(manifest)}: scenarios hold Namespace, Pod, Service, EndpointSlice, NetworkPolicy, IPPool and IPBlock");
        }
    }

    private void FillPod(JsonObject pod)
    {
        var metadata = pod["metadata"]!.AsObject();
        var spec = Map(pod, "spec");
        var node = spec["nodeName"]?.GetValue<string>() ?? throw new FormatException($"Pod {Name(pod)}: a scenario gives spec.nodeName");
        metadata["uid"] ??= $"uid-{metadata["namespace"]}-{Name(pod)}";
        var status = Map(pod, "status");
        if (status["conditions"] is JsonArray conditions && conditions.Any(c => c?["type"]?.GetValue<string>() == "Ready" && c["status"]?.GetValue<string>() == "False"))
            _unready.Add(new ObjectKey(metadata["namespace"]!.GetValue<string>(), Name(pod)));
        if (status["podIPs"] is not null || status["podIP"] is not null)
            return;
        if (!Snapshot.Nodes.TryGetValue(node, out var model))
            throw new FormatException($"Pod {Name(pod)}: spec.nodeName is '{node}'; the scenario has nodes node1 to node{Options.Nodes}");
        IEnumerable<IPAddress> addresses;
        if (spec["hostNetwork"]?.GetValue<bool>() == true)
        {
            addresses = model.Addresses;
        }
        else
        {
            addresses = PodAddresses(pod, model);
        }
        status["podIPs"] = new JsonArray([.. addresses.Select(a => new JsonObject { ["ip"] = a.ToString() })]);
    }

    // The first pool that serves the pod and of which its node has a block, as agents choose.
    private IEnumerable<IPAddress> PodAddresses(JsonObject pod, Model.Cluster.Node node)
    {
        var workload = WorkloadConverter.Convert(Read(pod, ApiJson.Default.ApiPod));
        var chosen = PodAddressing.Of(
            PoolPlan.Of(Config(node.Name), Snapshot), node, workload, Snapshot.Namespaces.GetValueOrDefault(workload.Key.Namespace), []);
        if (chosen.Problem is not null)
            throw new FormatException($"Pod {Name(pod)}: {chosen.Problem}");
        return [.. chosen.Families.Select(f => chosen.Fixed.FirstOrDefault(a => IpPrefix.Host(a).IsIPv6 == f.IPv6) ?? NextAddress(node, f))];
    }

    private IPAddress NextAddress(Model.Cluster.Node node, FamilyPools family)
    {
        var ranges = family.Pools.SelectMany(pool => pool == PodAddressing.OfNode
            ? node.PodCidrs.AsImmutableArray()
            : [.. Snapshot.Blocks.Values.Where(b => b.Pool == pool && b.Node == node.Name).Select(b => b.Cidr).OfType<IpPrefix>().Order()]);
        var range = ranges.First(r => r.IsIPv6 == family.IPv6);
        // Offset 0 is the tunnel's and 1 is left alone, as many CNI plugins do.
        var index = _lastPod[range] = _lastPod.GetValueOrDefault(range, 1) + 1;
        return range.AddressAt((uint)index);
    }

    private void FillService(JsonObject service)
    {
        var spec = Map(service, "spec");
        if (spec["clusterIP"] is not null || spec["clusterIPs"] is not null || spec["type"]?.GetValue<string>() == "ExternalName")
            return;
        _lastService++;
        var families = (spec["ipFamilies"] as JsonArray)?.Select(f => f!.GetValue<string>() == "IPv6").ToList() ?? [];
        if (families.Count == 0)
            families = spec["ipFamilyPolicy"]?.GetValue<string>() is "PreferDualStack" or "RequireDualStack" ? [.. Families] : [Families.First()];
        spec["clusterIPs"] = new JsonArray([.. families.Select(v6 => JsonValue.Create((v6 ? ServicesV6 : ServicesV4).AddressAt((uint)_lastService).ToString()))]);
    }

    private static JsonObject Map(JsonObject parent, string name)
    {
        if (parent[name] is not JsonObject map)
            parent[name] = map = [];
        return map;
    }

    private static T Read<T>(JsonObject manifest, JsonTypeInfo<T> type) =>
        manifest.Deserialize(type) ?? throw new FormatException($"{manifest["kind"]} {Name(manifest)} is empty");

    private static string Name(JsonObject manifest) =>
        manifest["metadata"]?["name"]?.GetValue<string>() ?? throw new FormatException($"a {manifest["kind"]} has no metadata.name");
}
