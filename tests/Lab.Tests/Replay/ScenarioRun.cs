using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Lab.Tests.Support;
using Weft.Kernel.Namespaces;
using Weft.Model;
using Weft.Scenarios;

namespace Lab.Tests.Replay;

/// <summary>A scenario's objects in a lab, from their creation until the last of them is gone.</summary>
internal sealed class ScenarioRun(TestLab lab, Scenario scenario) : IAsyncDisposable
{
    private readonly List<JsonObject> _created = [];
    private readonly Dictionary<ObjectKey, Machine> _pods = [];
    private readonly Dictionary<ObjectKey, IReadOnlyList<IPAddress>> _services = [];
    private readonly EchoServers _servers = new();

    /// <summary>Creates everything and waits until every node's kernel is in line with it.</summary>
    public async Task StartAsync()
    {
        foreach (var manifest in LabManifests.Of(scenario))
            await CreateAsync(manifest);
        await Eventually.NoneAsync(PodsProblemAsync);
        foreach (var service in scenario.Cluster.Snapshot.Services.Values)
        {
            var stored = await lab.Api.GetAsync($"{LabApi.Collection("Service", service.Key.Namespace)}/{service.Key.Name}");
            _services[service.Key] = service.Headless ? ReadyPods(service.Key) : Addresses(stored["spec"]!["clusterIPs"]!.AsArray());
        }
        foreach (var agent in lab.Agents)
            await Eventually.NoneAsync(() => Expected.ProblemAsync(agent, scenario, _pods, _services));
        StartServers();
    }

    /// <summary>Plays flows, all at once; what is answered is which lines did not end as written, and how they ended instead.</summary>
    public async Task<IReadOnlyList<string>> JudgeAsync(IEnumerable<Flow> flows)
    {
        var judged = await Task.WhenAll(flows.Select(f => new FlowReplay(this, f).JudgeAsync()));
        return [.. judged.OfType<string>()];
    }

    public async ValueTask DisposeAsync()
    {
        _servers.Dispose();
        foreach (var pod in _pods.Values)
            pod.Network.Dispose();
        // Policies and Services before pods, so that nothing has to be compiled for what is half gone.
        foreach (var manifest in Enumerable.Reverse(_created))
            await lab.Api.DeleteAsync($"{LabApi.Collection((string)manifest["kind"]!, (string?)manifest["metadata"]!["namespace"] ?? "")}/{(string)manifest["metadata"]!["name"]!}");
        await Eventually.NoneAsync(() => NetNamespace.Names().FirstOrDefault(n => n.StartsWith(lab.Paths.NamespacePrefix + "pod-", StringComparison.Ordinal)) is { } left
            ? $"namespace {left} is still there" : null);
    }

    public TestLab Lab => lab;

    public Scenario Scenario => scenario;

    /// <summary>Where a flow begins or ends, when that is a machine.</summary>
    public Machine? Find(FlowEnd end) => end switch
    {
        FlowEnd.Pod pod => _pods[pod.Key],
        FlowEnd.Node node => lab.Nodes[node.Name],
        FlowEnd.Outside => lab.Outside,
        _ => null,
    };

    public IReadOnlyDictionary<ObjectKey, Machine> Pods => _pods;

    /// <summary>The addresses that a client may connect to: one, except for a headless Service, whose name gives those of its pods.</summary>
    public IReadOnlyList<IPAddress> Destinations(Flow flow)
    {
        IEnumerable<IPAddress> addresses = flow.To switch
        {
            FlowEnd.Address address => [address.Value],
            FlowEnd.Dns => lab.Topology.DnsAddresses,
            FlowEnd.Service service => _services[service.Key],
            _ => Find(flow.To)!.Addresses,
        };
        var ofFamily = addresses.Where(a => (a.AddressFamily == AddressFamily.InterNetworkV6) == flow.IPv6).ToList();
        return ofFamily.Count == 0 ? throw new FormatException($"line {flow.Line}: {flow.To} has no address of the family")
            : flow.To is FlowEnd.Service ? ofFamily : ofFamily[..1];
    }

    public string NodeOf(FlowEnd end) => end switch
    {
        FlowEnd.Pod pod => scenario.Cluster.Snapshot.Workloads[pod.Key].NodeName,
        FlowEnd.Node node => node.Name,
        _ => throw new ArgumentException($"{end} is on no node"),
    };

    private async Task CreateAsync(JsonObject manifest)
    {
        if ((string)manifest["kind"]! == "Namespace")
        {
            await EnsureNamespaceAsync(manifest);
            return;
        }
        await lab.Api.CreateAsync(manifest, "?fieldValidation=Strict");
        _created.Add(manifest);
    }

    /// <summary>Namespaces stay from one scenario to the next, with the labels that each wants: emptying and making them anew takes time.</summary>
    private async Task EnsureNamespaceAsync(JsonObject manifest)
    {
        try
        {
            await lab.Api.CreateAsync(manifest, "?fieldValidation=Strict");
        }
        catch (LabApiException e) when (e.Code == HttpStatusCode.Conflict)
        {
            var path = $"api/v1/namespaces/{(string)manifest["metadata"]!["name"]!}";
            var labels = (await lab.Api.GetAsync(path))["metadata"]!["labels"]!.AsObject();
            var patch = new JsonObject(labels.Where(l => l.Key != "kubernetes.io/metadata.name").Select(l => KeyValuePair.Create(l.Key, (JsonNode?)null)));
            foreach (var (key, value) in manifest["metadata"]!["labels"] as JsonObject ?? [])
                patch[key] = value!.DeepClone();
            await lab.Api.PatchAsync(path, new JsonObject { ["metadata"] = new JsonObject { ["labels"] = patch } });
        }
    }

    private async Task<string?> PodsProblemAsync()
    {
        var items = (await lab.Api.ListAsync("api/v1/pods")).ToDictionary(i => new ObjectKey((string)i["metadata"]!["namespace"]!, (string)i["metadata"]!["name"]!));
        foreach (var workload in scenario.Cluster.Snapshot.Workloads.Values)
        {
            var ready = !scenario.Cluster.Unready.Contains(workload.Key);
            if (!items.TryGetValue(workload.Key, out var pod))
                return $"pod {workload.Key} is not there";
            var status = pod["status"];
            if ((string?)status?["phase"] != "Running" || Condition(status, "Ready") != (ready ? "True" : "False"))
                return $"pod {workload.Key} is {status?.ToJsonString()}";
            if (!_pods.ContainsKey(workload.Key))
                _pods[workload.Key] = Open(workload, pod);
        }
        return null;
    }

    private Machine Open(Weft.Model.Cluster.Workload workload, JsonObject pod)
    {
        var network = workload.HostNetwork ? lab.Paths.NodeNamespace((string)pod["spec"]!["nodeName"]!) : lab.Paths.PodNamespace((string)pod["metadata"]!["uid"]!);
        var addresses = pod["status"]!["podIPs"]!.AsArray().Select(i => IPAddress.Parse((string)i!["ip"]!)).ToList();
        return new Machine(workload.Key.ToString(), NetNamespace.OpenNamed(network), addresses);
    }

    private static string? Condition(JsonNode? status, string type) =>
        (string?)status?["conditions"]?.AsArray().FirstOrDefault(c => (string?)c!["type"] == type)?["status"];

    private List<IPAddress> ReadyPods(ObjectKey service) =>
    [
        .. scenario.Cluster.Snapshot.EndpointSlices.Values
            .Where(s => s.Key.Namespace == service.Namespace && s.Service == service.Name)
            .SelectMany(s => s.Endpoints.Where(e => e.Ready))
            .Select(e => e.Target!.Value).Distinct()
            .SelectMany(key => _pods[key].Addresses),
    ];

    private static List<IPAddress> Addresses(JsonArray texts) => [.. texts.Select(t => IPAddress.Parse((string)t!))];

    private void StartServers()
    {
        foreach (var (pod, ports) in scenario.Listeners())
        {
            foreach (var (protocol, port) in ports)
                _servers.Start(_pods[pod], protocol, port);
        }
        foreach (var (protocol, port) in scenario.Flows.Where(f => f.To is FlowEnd.Outside && !f.IsPing).Select(f => ((Protocol)f.Protocol, f.Port)).Distinct())
            _servers.Start(lab.Outside, protocol, port);
    }
}
