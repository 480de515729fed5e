using System.Globalization;
using System.Text.Json.Nodes;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Controllers;

/// <summary>
/// Runs a Deployment as one ReplicaSet a template: the newest grows and the others shrink within maxSurge and maxUnavailable, and older
/// ones stay at zero as revisions to roll back to.
/// </summary>
internal sealed class DeploymentController : Controller
{
    private const string Resource = "deployments.apps";
    private const string Sets = "replicasets.apps";
    private const string Revision = "deployment.kubernetes.io/revision";

    private readonly EventRecorder _events;

    public DeploymentController(InformerSet api, EventRecorder events, LabLog log) : base(api, log)
    {
        _events = events;
        WatchSelf(Resource);
        WatchOwned(Sets, "Deployment");
        api.For("pods");
    }

    public override string Name => "deployment-controller";

    protected override async Task ReconcileAsync(string key, CancellationToken cancel)
    {
        if (Api.For(Resource).Get(key) is not { } deployment || deployment.IsDeleting())
            return;
        var sets = OwnedBy(Sets, deployment).OrderBy(RevisionOf).ToList();
        var current = sets.LastOrDefault(s => SameTemplate(s, deployment));
        if (deployment.Flag("spec", "paused"))
        {
            await StatusAsync(deployment, current, sets, cancel);
            return;
        }

        current = await EnsureCurrentAsync(deployment, current, sets, cancel);
        sets = [.. OwnedBy(Sets, deployment).OrderBy(RevisionOf)];
        current = sets.First(s => s.Uid() == current.Uid());
        var old = sets.Where(s => s.Uid() != current.Uid()).ToList();
        if (deployment.Str("spec", "strategy", "type") == "Recreate")
            await RecreateAsync(deployment, current, old, cancel);
        else
            await RollAsync(deployment, current, old, cancel);
        await PruneAsync(deployment, old, cancel);
        sets = [.. OwnedBy(Sets, deployment)];
        await StatusAsync(deployment, sets.FirstOrDefault(s => s.Uid() == current.Uid()), sets, cancel);
    }

    private static long RevisionOf(JsonObject set) => long.TryParse(set.Annotation(Revision), CultureInfo.InvariantCulture, out long r) ? r : 0;

    /// <summary>Equal but for the label that the controller itself adds.</summary>
    private static bool SameTemplate(JsonObject set, JsonObject deployment)
    {
        var template = set.Obj("spec", "template")?.Copy();
        template.Obj("metadata", "labels")?.Remove(PodTemplates.TemplateHash);
        return PodTemplates.Hash(template) == PodTemplates.Hash(deployment.Obj("spec", "template"));
    }

    private async Task<JsonObject> EnsureCurrentAsync(JsonObject deployment, JsonObject? current, List<JsonObject> sets, CancellationToken cancel)
    {
        long newest = sets.Select(RevisionOf).DefaultIfEmpty(0).Max();
        if (current is null)
        {
            current = await CreateSetAsync(deployment, newest + 1, cancel);
        }
        else if (RevisionOf(current) < newest)
        {
            // A rollback: the old template becomes the newest revision.
            current = await Api.PatchAsync(Sets, current, Annotated(newest + 1), cancel);
        }

        string revision = current.Annotation(Revision) ?? "1";
        if (deployment.Annotation(Revision) != revision)
            await Api.PatchAsync(Resource, deployment, Annotated(long.Parse(revision, CultureInfo.InvariantCulture)), cancel);
        return current;
    }

    private static JsonObject Annotated(long revision) => new()
    {
        ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [Revision] = revision.ToString(CultureInfo.InvariantCulture) } },
    };

    private async Task<JsonObject> CreateSetAsync(JsonObject deployment, long revision, CancellationToken cancel)
    {
        string hash = PodTemplates.Hash(deployment.Obj("spec", "template"));
        var template = deployment.Obj("spec", "template")!.Copy();
        var selector = deployment.Obj("spec", "selector")!.Copy();
        AddLabel(template, "metadata", "labels", hash);
        AddLabel(selector, null, "matchLabels", hash);
        var labels = template.Obj("metadata", "labels")!.Copy();
        var annotations = deployment.Obj("metadata", "annotations")?.Copy() ?? [];
        annotations.Remove("kubectl.kubernetes.io/last-applied-configuration");
        annotations[Revision] = revision.ToString(CultureInfo.InvariantCulture);
        return await Api.CreateAsync(Sets, deployment.Namespace(), new JsonObject
        {
            ["apiVersion"] = "apps/v1",
            ["kind"] = "ReplicaSet",
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{deployment.Name()}-{hash}",
                ["namespace"] = deployment.Namespace(),
                ["labels"] = labels,
                ["annotations"] = annotations,
                ["ownerReferences"] = new JsonArray(PodTemplates.OwnerReference(deployment, "apps/v1", "Deployment")),
            },
            ["spec"] = new JsonObject
            {
                ["replicas"] = 0,
                ["minReadySeconds"] = deployment.Int(0, "spec", "minReadySeconds"),
                ["selector"] = selector,
                ["template"] = template,
            },
        }, cancel);
    }

    private static void AddLabel(JsonObject root, string? parent, string field, string hash)
    {
        var holder = parent is null ? root : root[parent] as JsonObject ?? (JsonObject)(root[parent] = new JsonObject());
        var map = holder[field] as JsonObject ?? (JsonObject)(holder[field] = new JsonObject());
        map[PodTemplates.TemplateHash] = hash;
    }

    private async Task RecreateAsync(JsonObject deployment, JsonObject current, List<JsonObject> old, CancellationToken cancel)
    {
        foreach (var set in old)
            await ScaleAsync(deployment, set, 0, cancel);
        var oldUids = old.Select(s => s.Uid()).ToHashSet();
        // Pods that are still ending count: the point of Recreate is that old and new never run together.
        if (!Api.For("pods").In(deployment.Namespace()).Any(p => p.ControllerOf().Str("uid") is { } uid && oldUids.Contains(uid) && !PodTemplates.IsOver(p)))
            await ScaleAsync(deployment, current, deployment.Int(1, "spec", "replicas"), cancel);
        else
            Queue.AddAfter(deployment.Key(), TimeSpan.FromMilliseconds(200));
    }

    private async Task RollAsync(JsonObject deployment, JsonObject current, List<JsonObject> old, CancellationToken cancel)
    {
        int wanted = deployment.Int(1, "spec", "replicas");
        var rolling = deployment.Obj("spec", "strategy", "rollingUpdate");
        int surge = PodTemplates.Scaled(rolling.At("maxSurge"), wanted, roundUp: true, absent: (int)Math.Ceiling(wanted * 0.25));
        int unavailable = PodTemplates.Scaled(rolling.At("maxUnavailable"), wanted, roundUp: false, absent: wanted / 4);
        if (surge == 0 && unavailable == 0)
            unavailable = 1;
        int total = old.Sum(Replicas) + Replicas(current);
        if (Replicas(current) > wanted)
        {
            await ScaleAsync(deployment, current, wanted, cancel);
        }
        else if (Replicas(current) < wanted)
        {
            int room = Math.Max(0, wanted + surge - total);
            await ScaleAsync(deployment, current, Math.Min(wanted, Replicas(current) + room), cancel);
        }

        await ShrinkAsync(deployment, current, old, wanted - unavailable, cancel);
    }

    /// <summary>Old pods that do not serve go first; then as many of the others as availability allows.</summary>
    private async Task ShrinkAsync(JsonObject deployment, JsonObject current, List<JsonObject> old, int least, CancellationToken cancel)
    {
        current = Api.For(Sets).Get(current.Key()) ?? current;
        old = [.. old.Select(s => Api.For(Sets).Get(s.Key()) ?? s)];
        int newNotAvailable = Replicas(current) - current.Int(0, "status", "availableReplicas");
        // By what is asked for, not by what is there: a set that was just told to shrink still counts its pods as available.
        int budget = old.Sum(Replicas) + Replicas(current) - least - Math.Max(0, newNotAvailable);
        if (budget <= 0)
            return;
        foreach (var set in old.Where(s => Replicas(s) > 0))
        {
            int broken = Math.Min(Math.Max(0, Replicas(set) - set.Int(0, "status", "availableReplicas")), Math.Max(0, budget));
            if (broken == 0)
                continue;
            await ScaleAsync(deployment, set, Replicas(set) - broken, cancel);
            budget -= broken;
        }

        int available = current.Int(0, "status", "availableReplicas") +
            old.Sum(s => Math.Min(s.Int(0, "status", "availableReplicas"), Replicas(Api.For(Sets).Get(s.Key()) ?? s)));
        int spare = Math.Min(budget, available - least);
        foreach (var listed in old)
        {
            var set = Api.For(Sets).Get(listed.Key()) ?? listed;
            int take = Math.Min(Replicas(set), Math.Max(0, spare));
            if (take == 0)
                continue;
            await ScaleAsync(deployment, set, Replicas(set) - take, cancel);
            spare -= take;
        }
    }

    private static int Replicas(JsonObject set) => set.Int(0, "spec", "replicas");

    private async Task ScaleAsync(JsonObject deployment, JsonObject set, int replicas, CancellationToken cancel)
    {
        set = Api.For(Sets).Get(set.Key()) ?? set;
        int before = Replicas(set);
        if (before == replicas)
            return;
        await Api.PatchAsync(Sets, set, new JsonObject { ["spec"] = new JsonObject { ["replicas"] = replicas } }, cancel);
        _events.Record(deployment, "Normal", "ScalingReplicaSet",
            $"Scaled {(replicas > before ? "up" : "down")} replica set {set.Name()} from {before} to {replicas}", Name);
    }

    private async Task PruneAsync(JsonObject deployment, List<JsonObject> old, CancellationToken cancel)
    {
        var idle = old.Select(s => Api.For(Sets).Get(s.Key()) ?? s)
            .Where(s => Replicas(s) == 0 && s.Int(0, "status", "replicas") == 0 && !s.IsDeleting()).OrderBy(RevisionOf).ToList();
        foreach (var set in idle.Take(Math.Max(0, idle.Count - deployment.Int(10, "spec", "revisionHistoryLimit"))))
            await Api.DeleteAsync(Sets, set, cancel, propagation: "Background");
    }

    private async Task StatusAsync(JsonObject deployment, JsonObject? current, List<JsonObject> sets, CancellationToken cancel)
    {
        int wanted = deployment.Int(1, "spec", "replicas");
        int Sum(string field) => sets.Sum(s => s.Int(0, "status", field));
        int available = Sum("availableReplicas");
        int updated = current.Int(0, "status", "replicas");
        int unavailable = PodTemplates.Scaled(deployment.At("spec", "strategy", "rollingUpdate", "maxUnavailable"), wanted, false, wanted / 4);
        bool enough = available >= wanted - unavailable;
        bool complete = updated >= wanted && Sum("replicas") == updated && available >= wanted;
        bool late = !complete && IsLate(deployment);
        var status = new JsonObject
        {
            ["observedGeneration"] = deployment.Num("metadata", "generation") ?? 0,
            ["replicas"] = Sum("replicas"),
            ["updatedReplicas"] = updated,
            ["readyReplicas"] = Sum("readyReplicas"),
            ["availableReplicas"] = available,
            ["unavailableReplicas"] = Math.Max(0, wanted - available),
            ["conditions"] = new JsonArray(
                WithUpdateTime(deployment, Conditions.Make(deployment, "Available", enough ? "True" : "False", Now,
                    enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                    enough ? "Deployment has minimum availability." : "Deployment does not have minimum availability.")),
                WithUpdateTime(deployment, Conditions.Make(deployment, "Progressing", late ? "False" : "True", Now,
                    late ? "ProgressDeadlineExceeded" : complete ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
                    $"ReplicaSet \"{current?.Name()}\" {(late ? "has timed out progressing." : complete ? "has successfully progressed." : "is progressing.")}"))),
        };
        if (!complete)
            Queue.AddAfter(deployment.Key(), TimeSpan.FromSeconds(10));
        await UpdateStatusAsync(Resource, deployment, status, cancel);
    }

    private JsonObject WithUpdateTime(JsonObject deployment, JsonObject condition)
    {
        var old = Conditions.Find(deployment, condition.Str("type")!);
        bool same = old is not null && old.Str("status") == condition.Str("status") && old.Str("reason") == condition.Str("reason") && old.Str("message") == condition.Str("message");
        condition["lastUpdateTime"] = same ? old.Str("lastUpdateTime") ?? Now.ToTime() : Now.ToTime();
        return condition;
    }

    /// <summary>Nothing has moved for progressDeadlineSeconds.</summary>
    private bool IsLate(JsonObject deployment)
    {
        var progressing = Conditions.Find(deployment, "Progressing");
        return progressing is not null && progressing.Str("reason") != "NewReplicaSetAvailable" &&
            deployment.Num("metadata", "generation") == deployment.Num("status", "observedGeneration") &&
            progressing.Time("lastUpdateTime") is { } since && Now - since > TimeSpan.FromSeconds(deployment.Int(600, "spec", "progressDeadlineSeconds"));
    }
}
