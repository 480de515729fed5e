using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.Lab.Controllers;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Scheduling;

/// <summary>
/// Binds pods to nodes: of the nodes where a pod may run, one with the fewest pods of the same owner, then in the zone with the fewest
/// of them, then with the fewest pods at all.
/// </summary>
internal sealed class Scheduler : Controller
{
    private const string SchedulerName = "default-scheduler";

    private readonly Informer _pods;
    private readonly Informer _nodes;
    private readonly EventRecorder _events;

    public Scheduler(InformerSet informers, EventRecorder events, LabLog log) : base(informers, log)
    {
        _events = events;
        _pods = informers.For("pods");
        _nodes = informers.For("nodes");
        _pods.Changed += (old, now) =>
        {
            if (now is not null && NeedsNode(now))
                Queue.Add(now.Key());
            else if (now is null || Finished(now))
                QueueWaiting();
        };
        _nodes.Changed += (old, now) =>
        {
            // Heartbeats change nothing that a waiting pod could profit from.
            if (old is null || now is null || !JsonNode.DeepEquals(old["spec"], now["spec"]) ||
                !JsonNode.DeepEquals(old.At("metadata", "labels"), now.At("metadata", "labels")) ||
                !JsonNode.DeepEquals(old.At("status", "allocatable"), now.At("status", "allocatable")))
                QueueWaiting();
        };
    }

    public override string Name => "scheduler";

    // One at a time: each decision must see the one before.
    protected override int Workers => 1;

    protected override async Task ReconcileAsync(string key, CancellationToken cancel)
    {
        if (_pods.Get(key) is not { } pod || !NeedsNode(pod))
            return;
        var byNode = _pods.All.Where(p => p.Str("spec", "nodeName") is { Length: > 0 } && !Finished(p))
            .GroupBy(p => p.Str("spec", "nodeName")!).ToDictionary(g => g.Key, g => (IReadOnlyCollection<JsonObject>)[.. g]);
        var refusals = new Dictionary<string, int>(StringComparer.Ordinal);
        var fits = new List<JsonObject>();
        foreach (var node in _nodes.All)
        {
            if (NodeFilter.Refusal(pod, node, byNode.GetValueOrDefault(node.Name(), [])) is { } why)
                refusals[why] = refusals.GetValueOrDefault(why) + 1;
            else
                fits.Add(node);
        }

        if (fits.Count == 0)
            await ReportAsync(pod, refusals, cancel);
        else
            await BindAsync(pod, Choose(pod, fits, byNode).Name(), cancel);
    }

    internal static JsonObject Choose(
        JsonObject pod, IReadOnlyList<JsonObject> nodes, IReadOnlyDictionary<string, IReadOnlyCollection<JsonObject>> byNode)
    {
        IReadOnlyCollection<JsonObject> On(JsonObject node) => byNode.GetValueOrDefault(node.Name(), []);
        int Siblings(JsonObject node) => On(node).Count(p => AreSiblings(pod, p));
        static string Zone(JsonObject node) => node.Label("topology.kubernetes.io/zone") ?? "";
        var perZone = nodes.GroupBy(Zone).ToDictionary(g => g.Key, g => g.Sum(Siblings));
        return nodes.OrderBy(Siblings).ThenBy(n => perZone[Zone(n)]).ThenBy(n => On(n).Count)
            .ThenBy(n => n.Name().Length).ThenBy(n => n.Name(), StringComparer.Ordinal).First();
    }

    private static bool AreSiblings(JsonObject a, JsonObject b) =>
        a.Namespace() == b.Namespace() && a.ControllerOf().Str("uid") is { } owner && owner == b.ControllerOf().Str("uid");

    private static bool NeedsNode(JsonObject pod) =>
        pod.Str("spec", "nodeName") is null or "" && !pod.IsDeleting() && !Finished(pod) &&
        (pod.Str("spec", "schedulerName") ?? SchedulerName) == SchedulerName && !pod.Items("spec", "schedulingGates").Any();

    private static bool Finished(JsonObject pod) => pod.Str("status", "phase") is "Succeeded" or "Failed";

    private void QueueWaiting()
    {
        foreach (var pod in _pods.All.Where(NeedsNode))
            Queue.Add(pod.Key());
    }

    private async Task BindAsync(JsonObject pod, string node, CancellationToken cancel)
    {
        // What pods/binding does: a node's name can be set once.
        await Api.PatchAsync("pods", pod, new JsonObject { ["spec"] = new JsonObject { ["nodeName"] = node } }, cancel);
        _events.Record(pod, "Normal", "Scheduled", $"Successfully assigned {pod.Key()} to {node}", SchedulerName);
    }

    private async Task ReportAsync(JsonObject pod, Dictionary<string, int> refusals, CancellationToken cancel)
    {
        int nodes = _nodes.All.Count();
        string message = nodes == 0
            ? "no nodes available to schedule pods"
            : $"0/{nodes} nodes are available: {string.Join(", ", refusals.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => $"{r.Value} {r.Key}"))}.";
        var condition = Conditions.Make(pod, "PodScheduled", "False", Now, "Unschedulable", message);
        if (Conditions.Find(pod, "PodScheduled") is { } current && JsonNode.DeepEquals(current, condition))
            return;
        var conditions = pod.Items("status", "conditions").Where(c => c.Str("type") != "PodScheduled").Select(c => c.Copy()).Append(condition);
        await Api.PatchAsync("pods", pod, new JsonObject
        {
            ["status"] = new JsonObject { ["phase"] = "Pending", ["conditions"] = conditions.ToJsonArray() },
        }, cancel, "status");
        _events.Record(pod, "Warning", "FailedScheduling", message, SchedulerName);
    }
}
