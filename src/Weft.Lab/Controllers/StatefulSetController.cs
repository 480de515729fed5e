using System.Globalization;
using System.Text.Json.Nodes;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Controllers;

/// <summary>Pods with names that stay: NAME-0, NAME-1 and so on, made in order and taken in reverse order.</summary>
internal sealed class StatefulSetController : Controller
{
    private const string Resource = "statefulsets.apps";
    private const string HashLabel = "controller-revision-hash";

    private readonly EventRecorder _events;

    public StatefulSetController(InformerSet api, EventRecorder events, LabLog log) : base(api, log)
    {
        _events = events;
        WatchSelf(Resource);
        WatchOwned("pods", "StatefulSet");
    }

    public override string Name => "statefulset-controller";

    protected override async Task ReconcileAsync(string key, CancellationToken cancel)
    {
        if (Api.For(Resource).Get(key) is not { } set || set.IsDeleting())
            return;
        string update = $"{set.Name()}-{PodTemplates.Hash(set.Obj("spec", "template"))}";
        // Until a roll-out has ended, pods below the partition and those not yet reached keep the revision before.
        string current = set.Str("status", "currentRevision") is { Length: > 0 } c ? c : update;
        int start = set.Int(0, "spec", "ordinals", "start");
        int wanted = set.Int(1, "spec", "replicas");
        var pods = OwnedBy("pods", set).ToDictionary(p => p.Name(), StringComparer.Ordinal);
        bool parallel = set.Str("spec", "podManagementPolicy") == "Parallel";
        if (await FillAsync(set, pods, start, wanted, update, parallel, cancel) && await ShrinkAsync(set, pods, start, wanted, parallel, cancel))
            await RollAsync(set, pods, start, wanted, update, cancel);
        await StatusAsync(set, current, update, wanted, cancel);
    }

    private static string PodName(JsonObject set, int ordinal) => $"{set.Name()}-{ordinal.ToString(CultureInfo.InvariantCulture)}";

    /// <returns>True when every pod is there and (in order) ready, so that the next phase may begin.</returns>
    private async Task<bool> FillAsync(
        JsonObject set, Dictionary<string, JsonObject> pods, int start, int wanted, string revision, bool parallel, CancellationToken cancel)
    {
        bool complete = true;
        for (int i = start; i < start + wanted; i++)
        {
            if (!pods.TryGetValue(PodName(set, i), out var pod))
            {
                await CreateAsync(set, i, revision, cancel);
                complete = false;
            }
            else if (PodTemplates.IsOver(pod) && !pod.IsDeleting())
            {
                await Api.DeleteAsync("pods", pod, cancel);
                complete = false;
            }
            else if (PodTemplates.IsReady(pod) && !pod.IsDeleting())
            {
                continue;
            }
            else
            {
                complete = false;
            }

            if (!parallel)
                return false;
        }

        return complete || parallel;
    }

    private async Task<bool> ShrinkAsync(
        JsonObject set, Dictionary<string, JsonObject> pods, int start, int wanted, bool parallel, CancellationToken cancel)
    {
        var extra = pods.Values.Select(p => (Pod: p, Ordinal: OrdinalOf(set, p))).Where(p => p.Ordinal < start || p.Ordinal >= start + wanted)
            .OrderByDescending(p => p.Ordinal).ToList();
        foreach (var (pod, _) in parallel ? extra : extra.Take(1))
        {
            if (pod.IsDeleting())
                continue;
            await Api.DeleteAsync("pods", pod, cancel);
            _events.Record(set, "Normal", "SuccessfulDelete", $"delete Pod {pod.Name()} in StatefulSet {set.Name()} successful", Name);
        }

        return extra.Count == 0;
    }

    private static int OrdinalOf(JsonObject set, JsonObject pod) =>
        pod.Name().Length > set.Name().Length + 1 && int.TryParse(pod.Name().AsSpan(set.Name().Length + 1), CultureInfo.InvariantCulture, out int n) ? n : -1;

    /// <summary>Replaces one outdated pod at a time, from the last down to the partition, each time waiting until all are ready.</summary>
    private async Task RollAsync(
        JsonObject set, Dictionary<string, JsonObject> pods, int start, int wanted, string revision, CancellationToken cancel)
    {
        if (set.Str("spec", "updateStrategy", "type") == "OnDelete")
            return;
        int partition = set.Int(0, "spec", "updateStrategy", "rollingUpdate", "partition");
        for (int i = start + wanted - 1; i >= Math.Max(start, partition); i--)
        {
            if (!pods.TryGetValue(PodName(set, i), out var pod) || pod.IsDeleting())
                return;
            if (pod.Label(HashLabel) != revision)
            {
                await Api.DeleteAsync("pods", pod, cancel);
                return;
            }

            if (!PodTemplates.IsReady(pod))
                return;
        }
    }

    private async Task CreateAsync(JsonObject set, int ordinal, string revision, CancellationToken cancel)
    {
        var pod = PodTemplates.PodOf(set, "apps/v1", "StatefulSet");
        string name = PodName(set, ordinal);
        pod["metadata"]!["name"] = name;
        if (pod["metadata"]!["labels"] is not JsonObject labels)
            pod["metadata"]!["labels"] = labels = [];
        labels["statefulset.kubernetes.io/pod-name"] = name;
        labels["apps.kubernetes.io/pod-index"] = ordinal.ToString(CultureInfo.InvariantCulture);
        labels[HashLabel] = revision;
        pod["spec"]!["hostname"] = name;
        pod["spec"]!["subdomain"] = set.Str("spec", "serviceName") ?? "";
        await Api.CreateAsync("pods", set.Namespace(), pod, cancel);
        _events.Record(set, "Normal", "SuccessfulCreate", $"create Pod {name} in StatefulSet {set.Name()} successful", Name);
    }

    private async Task StatusAsync(JsonObject set, string current, string update, int wanted, CancellationToken cancel)
    {
        var pods = OwnedBy("pods", set).Where(p => !p.IsDeleting()).ToList();
        int minReady = set.Int(0, "spec", "minReadySeconds");
        int updated = pods.Count(p => p.Label(HashLabel) == update);
        int ready = pods.Count(PodTemplates.IsReady);
        if (updated == wanted && ready == wanted && pods.Count == wanted)
            current = update;
        await UpdateStatusAsync(Resource, set, new JsonObject
        {
            ["observedGeneration"] = set.Num("metadata", "generation") ?? 0,
            ["replicas"] = pods.Count,
            ["readyReplicas"] = ready,
            ["availableReplicas"] = pods.Count(p => PodTemplates.IsAvailable(p, minReady, Now)),
            ["currentReplicas"] = pods.Count(p => p.Label(HashLabel) == current),
            ["updatedReplicas"] = updated,
            ["currentRevision"] = current,
            ["updateRevision"] = update,
            ["collisionCount"] = 0,
        }, cancel);
    }
}
