using System.Text.Json.Nodes;
using Weft.Lab.Informers;
using Weft.Lab.Objects;
using Weft.Lab.Scheduling;

namespace Weft.Lab.Controllers;

/// <summary>One pod on every node that its template may run on, replaced node by node when the template changes.</summary>
internal sealed class DaemonSetController : Controller
{
    private const string Resource = "daemonsets.apps";
    private const string HashLabel = "controller-revision-hash";

    private readonly EventRecorder _events;

    public DaemonSetController(InformerSet api, EventRecorder events, LabLog log) : base(api, log)
    {
        _events = events;
        WatchSelf(Resource);
        WatchOwned("pods", "DaemonSet");
        api.For("nodes").Changed += (old, now) =>
        {
            if (old is not null && now is not null && JsonNode.DeepEquals(old["spec"], now["spec"]) && JsonNode.DeepEquals(old.At("metadata", "labels"), now.At("metadata", "labels")))
                return;
            foreach (var set in Api.For(Resource).All)
                Queue.Add(set.Key());
        };
    }

    public override string Name => "daemonset-controller";

    protected override async Task ReconcileAsync(string key, CancellationToken cancel)
    {
        if (Api.For(Resource).Get(key) is not { } set || set.IsDeleting())
            return;
        string hash = PodTemplates.Hash(set.Obj("spec", "template"));
        var byNode = OwnedBy("pods", set).Where(p => !p.IsDeleting()).ToLookup(NodeOf);
        int wanted = 0, misplaced = 0;
        var unavailable = 0;
        var outdated = new List<JsonObject>();
        foreach (var node in Api.For("nodes").All)
        {
            var pods = byNode[node.Name()].ToList();
            if (!MayRun(set, node, hash))
            {
                misplaced += pods.Count;
                foreach (var pod in pods)
                    await Api.DeleteAsync("pods", pod, cancel);
                continue;
            }

            wanted++;
            foreach (var pod in pods.Where(PodTemplates.IsOver).Concat(pods.Where(p => !PodTemplates.IsOver(p)).OrderBy(p => p.Str("metadata", "creationTimestamp"), StringComparer.Ordinal).Skip(1)))
                await Api.DeleteAsync("pods", pod, cancel);
            var kept = pods.Where(p => !PodTemplates.IsOver(p)).MinBy(p => p.Str("metadata", "creationTimestamp"), StringComparer.Ordinal);
            if (kept is null)
            {
                unavailable++;
                // While the one before still ends, its name and addresses are taken.
                if (!OwnedBy("pods", set).Any(p => p.IsDeleting() && NodeOf(p) == node.Name()))
                    await CreateAsync(set, node, hash, cancel);
            }
            else
            {
                unavailable += PodTemplates.IsReady(kept) ? 0 : 1;
                if (kept.Label(HashLabel) != hash)
                    outdated.Add(kept);
            }
        }

        if (set.Str("spec", "updateStrategy", "type") != "OnDelete")
        {
            int limit = Math.Max(1, PodTemplates.Scaled(set.At("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"), wanted, true, 1));
            foreach (var pod in outdated.OrderBy(PodTemplates.IsReady))
            {
                if (PodTemplates.IsReady(pod) && unavailable++ >= limit)
                    break;
                await Api.DeleteAsync("pods", pod, cancel);
            }
        }

        await StatusAsync(set, wanted, misplaced, hash, cancel);
    }

    /// <summary>The node a pod is on or is meant for, which its affinity names before it is bound.</summary>
    private static string NodeOf(JsonObject pod) => pod.Str("spec", "nodeName") is { Length: > 0 } name ? name : pod
        .Items("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
        .SelectMany(t => t.Items("matchFields")).SelectMany(f => f.Strings("values")).FirstOrDefault() ?? "";

    private static bool MayRun(JsonObject set, JsonObject node, string hash)
    {
        var pod = Pod(set, node, hash);
        return NodeFilter.SelectsNode(pod, node) && node.Items("spec", "taints").All(t => t.Str("effect") == "PreferNoSchedule" || NodeFilter.Tolerates(pod, t));
    }

    private static JsonObject Pod(JsonObject set, JsonObject node, string hash)
    {
        var pod = PodTemplates.PodOf(set, "apps/v1", "DaemonSet");
        pod["metadata"]!["generateName"] = set.Name() + "-";
        if (pod["metadata"]!["labels"] is not JsonObject labels)
            pod["metadata"]!["labels"] = labels = [];
        labels[HashLabel] = hash;
        var spec = (JsonObject)pod["spec"]!;
        var tolerations = spec.Items("tolerations").Select(t => t.Copy()).ToList();
        foreach (var (key, effect) in new[]
        {
            ("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("not-ready", "NoSchedule"), ("unschedulable", "NoSchedule"),
            ("disk-pressure", "NoSchedule"), ("memory-pressure", "NoSchedule"), ("pid-pressure", "NoSchedule"),
        })
        {
            tolerations.Add(new JsonObject { ["key"] = "node.kubernetes.io/" + key, ["operator"] = "Exists", ["effect"] = effect });
        }

        spec["tolerations"] = tolerations.ToJsonArray();
        Pin(spec, node.Name());
        return pod;
    }

    /// <summary>Each of the template's own terms also asks for the node by name, so that the scheduler does the binding.</summary>
    private static void Pin(JsonObject spec, string node)
    {
        JsonObject Field() => new() { ["key"] = "metadata.name", ["operator"] = "In", ["values"] = new JsonArray(node) };
        const string required = "requiredDuringSchedulingIgnoredDuringExecution";
        var terms = spec.Items("affinity", "nodeAffinity", required, "nodeSelectorTerms").Select(t => t.Copy()).ToList();
        if (terms.Count == 0)
            terms.Add([]);
        foreach (var term in terms)
            term["matchFields"] = term.Items("matchFields").Select(f => f.Copy()).Append(Field()).ToJsonArray();
        var affinity = spec["affinity"] as JsonObject ?? (JsonObject)(spec["affinity"] = new JsonObject());
        var nodes = affinity["nodeAffinity"] as JsonObject ?? (JsonObject)(affinity["nodeAffinity"] = new JsonObject());
        nodes[required] = new JsonObject { ["nodeSelectorTerms"] = terms.ToJsonArray() };
    }

    private async Task CreateAsync(JsonObject set, JsonObject node, string hash, CancellationToken cancel)
    {
        var made = await Api.CreateAsync("pods", set.Namespace(), Pod(set, node, hash), cancel);
        _events.Record(set, "Normal", "SuccessfulCreate", "Created pod: " + made.Name(), Name);
    }

    private async Task StatusAsync(JsonObject set, int wanted, int misplaced, string hash, CancellationToken cancel)
    {
        var pods = OwnedBy("pods", set).Where(PodTemplates.IsActive).ToList();
        int minReady = set.Int(0, "spec", "minReadySeconds");
        int available = pods.Count(p => PodTemplates.IsAvailable(p, minReady, Now));
        await UpdateStatusAsync(Resource, set, new JsonObject
        {
            ["currentNumberScheduled"] = pods.Select(NodeOf).Distinct().Count(),
            ["desiredNumberScheduled"] = wanted,
            ["numberMisscheduled"] = misplaced,
            ["numberReady"] = pods.Count(PodTemplates.IsReady),
            ["numberAvailable"] = available,
            ["numberUnavailable"] = Math.Max(0, wanted - available),
            ["updatedNumberScheduled"] = pods.Count(p => p.Label(HashLabel) == hash),
            ["observedGeneration"] = set.Num("metadata", "generation") ?? 0,
        }, cancel);
    }
}
