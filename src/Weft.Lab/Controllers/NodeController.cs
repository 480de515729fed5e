using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.Lab.Daemon;
using Weft.Lab.Informers;
using Weft.Lab.Objects;
using Weft.Lab.Scheduling;
using Weft.Lab.Topology;
using Weft.Primitives;

namespace Weft.Lab.Controllers;

/// <summary>
/// Watches nodes: one whose lease is not renewed becomes Unknown, one that is not ready carries taints, and pods that do not tolerate those
/// (or not for longer) are evicted. Nodes without a pod prefix get a free one.
/// </summary>
internal sealed class NodeController : Controller
{
    private const string Unreachable = "node.kubernetes.io/unreachable";
    private const string NetworkUnavailable = "node.kubernetes.io/network-unavailable";

    /// <summary>kube-controller-manager's --node-monitor-grace-period.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(50);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>What DefaultTolerationSeconds gives to pods that say nothing about nodes that are not ready or cannot be reached.</summary>
    private const long DefaultTolerationSeconds = 300;

    private readonly LabTopology _topology;
    private readonly EventRecorder _events;
    private readonly DateTimeOffset _started;

    public NodeController(InformerSet api, LabTopology topology, EventRecorder events, LabLog log) : base(api, log)
    {
        (_topology, _events, _started) = (topology, events, api.Time.GetUtcNow());
        WatchSelf("nodes");
        api.For("leases.coordination.k8s.io");
        api.For("pods");
    }

    public override string Name => "node-controller";

    protected override int Workers => 1;

    protected override async Task ReconcileAsync(string key, CancellationToken cancel)
    {
        if (Api.For("nodes").Get("", key) is not { } node || node.IsDeleting())
            return;
        Queue.AddAfter(key, Interval);
        if (!node.Strings("spec", "podCIDRs").Any())
            node = await AllocateAsync(node, cancel);
        node = await JudgeAsync(node, cancel);
        await TaintAsync(node, cancel);
        await EvictAsync(node, cancel);
    }

    private async Task<JsonObject> AllocateAsync(JsonObject node, CancellationToken cancel)
    {
        var taken = Api.For("nodes").All.SelectMany(n => n.Strings("spec", "podCIDRs"))
            .Select(c => IpPrefix.TryParse(c, out var p) ? p : default).Concat(_topology.Nodes.SelectMany(n => n.PodCidrs)).ToHashSet();
        var given = new List<string>();
        foreach (var cluster in _topology.ClusterCidrs)
        {
            int length = cluster.IsIPv6 ? 64 : 24;
            for (int i = 0; i < 256; i++)
            {
                var candidate = cluster.Subnet(length, (UInt128)i);
                if (taken.Contains(candidate))
                    continue;
                given.Add(candidate.ToString());
                break;
            }
        }

        if (given.Count < _topology.ClusterCidrs.Count)
        {
            _events.Record(node, "Warning", "CIDRNotAvailable", $"no pod prefix is left in {string.Join(", ", _topology.ClusterCidrs)}", Name);
            return node;
        }

        return await Api.PatchAsync("nodes", node, new JsonObject
        {
            ["spec"] = new JsonObject { ["podCIDR"] = given[0], ["podCIDRs"] = given.ToJsonArray() },
        }, cancel);
    }

    private async Task<JsonObject> JudgeAsync(JsonObject node, CancellationToken cancel)
    {
        var lease = Api.For("leases.coordination.k8s.io").Get(Bootstrap.LeaseNamespace, node.Name());
        var renewed = lease.Time("spec", "renewTime") ?? node.Time("metadata", "creationTimestamp") ?? _started;
        // After the control plane was away, every lease looks old: nodes get a whole grace from its start.
        if (renewed < _started)
            renewed = _started;
        if (Now - renewed < Grace || Conditions.Find(node, "Ready").Str("status") == "Unknown")
            return node;
        var unknown = Conditions.Make(node, "Ready", "Unknown", Now, "NodeStatusUnknown", "Kubelet stopped posting node status.");
        _events.Record(node, "Normal", "NodeNotReady", $"Node {node.Name()} status is now: NodeNotReady", Name);
        return await Api.PatchAsync("nodes", node, new JsonObject
        {
            ["status"] = new JsonObject { ["conditions"] = new JsonArray(unknown) },
        }, cancel, "status", PatchKind.StrategicMerge);
    }

    private async Task TaintAsync(JsonObject node, CancellationToken cancel)
    {
        string? ready = Conditions.Find(node, "Ready").Str("status");
        var wanted = new List<(string Key, string Effect)>();
        if (ready != "True")
        {
            string key = ready == "Unknown" ? Unreachable : Bootstrap.NotReadyTaint;
            wanted.Add((key, "NoSchedule"));
            // A node that has never been ready has nothing to evict.
            if (node.Items("spec", "taints").Any(t => t.Str("effect") == "NoExecute") || HasPods(node))
                wanted.Add((key, "NoExecute"));
        }

        if (Conditions.IsTrue(node, "NetworkUnavailable"))
            wanted.Add((NetworkUnavailable, "NoSchedule"));
        if (node.Flag("spec", "unschedulable"))
            wanted.Add(("node.kubernetes.io/unschedulable", "NoSchedule"));
        var owned = new[] { Unreachable, Bootstrap.NotReadyTaint, NetworkUnavailable, "node.kubernetes.io/unschedulable" };
        var current = node.Items("spec", "taints").ToList();
        var next = current.Where(t => !owned.Contains(t.Str("key"))).Select(t => t.Copy()).ToList();
        foreach (var (key, effect) in wanted)
        {
            next.Add(current.FirstOrDefault(t => t.Str("key") == key && t.Str("effect") == effect)?.Copy()
                ?? new JsonObject { ["key"] = key, ["effect"] = effect, ["timeAdded"] = effect == "NoExecute" ? Now.ToTime() : null });
            if (next[^1]["timeAdded"] is null)
                next[^1].Remove("timeAdded");
        }

        if (!JsonNode.DeepEquals(current.Select(t => t.Copy()).ToJsonArray(), next.ToJsonArray().DeepClone()))
        {
            // With the version: the list is replaced whole, and must not bring back what its owner has just taken away.
            await Api.PatchAsync("nodes", node, new JsonObject
            {
                ["metadata"] = new JsonObject { ["resourceVersion"] = node.Str("metadata", "resourceVersion") },
                ["spec"] = new JsonObject { ["taints"] = next.Select(t => t.Copy()).ToJsonArray() },
            }, cancel);
        }
    }

    private bool HasPods(JsonObject node) => Api.For("pods").All.Any(p => p.Str("spec", "nodeName") == node.Name());

    private async Task EvictAsync(JsonObject listed, CancellationToken cancel)
    {
        var node = Api.For("nodes").Get("", listed.Name()) ?? listed;
        foreach (var taint in node.Items("spec", "taints").Where(t => t.Str("effect") == "NoExecute"))
        {
            var since = taint.Time("timeAdded") ?? Now;
            foreach (var pod in Api.For("pods").All.Where(p => p.Str("spec", "nodeName") == node.Name() && PodTemplates.IsActive(p)).ToList())
            {
                var tolerations = pod.Items("spec", "tolerations").Where(t => NodeFilter.ToleratedBy(t, taint)).ToList();
                // Tolerated without a limit by one, or for the shortest of the limits given (core/v1 Toleration).
                if (tolerations.Count > 0 && tolerations.All(t => t.Num("tolerationSeconds") is null))
                    continue;
                long absent = taint.Str("key") is Unreachable or Bootstrap.NotReadyTaint ? DefaultTolerationSeconds : 0;
                long seconds = tolerations.Select(t => t.Num("tolerationSeconds")).Where(s => s is not null).DefaultIfEmpty(absent).Min() ?? absent;
                if (Now < since.AddSeconds(seconds))
                    continue;
                _events.Record(pod, "Normal", "TaintManagerEviction", $"Marking for deletion Pod {pod.Key()}", Name);
                await Api.DeleteAsync("pods", pod, cancel);
            }
        }
    }
}
