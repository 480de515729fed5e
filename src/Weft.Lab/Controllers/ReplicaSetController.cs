using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Controllers;

/// <summary>Keeps as many pods of a template as a ReplicaSet asks for; adopts matching orphans and lets go of those that match no more.</summary>
internal sealed class ReplicaSetController : Controller
{
    private const string Resource = "replicasets.apps";

    /// <summary>Pods made or deleted at one look, as a brake on runaway templates.</summary>
    private const int Burst = 500;

    private readonly EventRecorder _events;

    public ReplicaSetController(InformerSet api, EventRecorder events, LabLog log) : base(api, log)
    {
        _events = events;
        WatchSelf(Resource);
        WatchOwned("pods", "ReplicaSet");
        api.For("pods").Changed += (old, now) =>
        {
            // An orphan may be adopted.
            if (now is not null && now.ControllerOf() is null)
            {
                foreach (var set in Api.For(Resource).In(now.Namespace()).Where(s => LabelSelectors.Matches(s.Obj("spec", "selector"), now.Obj("metadata", "labels"))))
                    Queue.Add(set.Key());
            }
        };
    }

    public override string Name => "replicaset-controller";

    protected override async Task ReconcileAsync(string key, CancellationToken cancel)
    {
        if (Api.For(Resource).Get(key) is not { } set)
            return;
        if (!set.IsDeleting())
            await ClaimAsync(set, cancel);
        var owned = OwnedBy("pods", set).ToList();
        var active = owned.Where(PodTemplates.IsActive).ToList();
        JsonObject? failure = null;
        if (!set.IsDeleting())
        {
            try
            {
                active = await ScaleAsync(set, active, cancel);
            }
            catch (ApiStatusException e) when (e.Code is 403 or 422)
            {
                failure = Conditions.Make(set, "ReplicaFailure", "True", Now, "FailedCreate", e.Message);
                _events.Record(set, "Warning", "FailedCreate", "Error creating: " + e.Message, Name);
                Queue.AddAfter(key, TimeSpan.FromSeconds(5));
            }
        }

        int minReady = set.Int(0, "spec", "minReadySeconds");
        var labels = set.Obj("spec", "template", "metadata", "labels");
        var status = new JsonObject
        {
            ["replicas"] = active.Count,
            ["fullyLabeledReplicas"] = active.Count(p => labels.StringMap().All(l => p.Label(l.Key) == l.Value)),
            ["readyReplicas"] = active.Count(PodTemplates.IsReady),
            ["availableReplicas"] = active.Count(p => PodTemplates.IsAvailable(p, minReady, Now)),
            ["observedGeneration"] = set.Num("metadata", "generation") ?? 0,
        };
        if (failure is not null)
            status["conditions"] = new JsonArray(failure);
        if (minReady > 0 && active.Any(p => PodTemplates.IsReady(p) && !PodTemplates.IsAvailable(p, minReady, Now)))
            Queue.AddAfter(key, TimeSpan.FromSeconds(minReady));
        await UpdateStatusAsync(Resource, set, status, cancel);
    }

    private async Task ClaimAsync(JsonObject set, CancellationToken cancel)
    {
        foreach (var pod in Api.For("pods").In(set.Namespace()).Where(PodTemplates.IsActive).ToList())
        {
            bool matches = LabelSelectors.Matches(set.Obj("spec", "selector"), pod.Obj("metadata", "labels"));
            var controller = pod.ControllerOf();
            if (controller is null && matches)
            {
                var owners = pod.Items("metadata", "ownerReferences").Select(o => o.Copy()).Append(PodTemplates.OwnerReference(set, "apps/v1", "ReplicaSet"));
                await Api.PatchAsync("pods", pod, new JsonObject { ["metadata"] = new JsonObject { ["ownerReferences"] = owners.ToJsonArray() } }, cancel);
            }
            else if (!matches && controller.Str("uid") == set.Uid())
            {
                var owners = pod.Items("metadata", "ownerReferences").Where(o => o.Str("uid") != set.Uid()).Select(o => o.Copy());
                await Api.PatchAsync("pods", pod, new JsonObject { ["metadata"] = new JsonObject { ["ownerReferences"] = owners.ToJsonArray() } }, cancel);
            }
        }
    }

    private async Task<List<JsonObject>> ScaleAsync(JsonObject set, List<JsonObject> active, CancellationToken cancel)
    {
        int wanted = set.Int(1, "spec", "replicas");
        if (active.Count < wanted)
        {
            int missing = Math.Min(wanted - active.Count, Burst);
            for (int i = 0; i < missing; i++)
            {
                var pod = PodTemplates.PodOf(set, "apps/v1", "ReplicaSet");
                pod["metadata"]!["generateName"] = set.Name() + "-";
                var made = await Api.CreateAsync("pods", set.Namespace(), pod, cancel);
                active.Add(made);
                _events.Record(set, "Normal", "SuccessfulCreate", "Created pod: " + made.Name(), Name);
            }
        }
        else if (active.Count > wanted)
        {
            foreach (var pod in PodTemplates.CheapestFirst(active).Take(Math.Min(active.Count - wanted, Burst)).ToList())
            {
                await Api.DeleteAsync("pods", pod, cancel);
                active.Remove(pod);
                _events.Record(set, "Normal", "SuccessfulDelete", "Deleted pod: " + pod.Name(), Name);
            }
        }

        return active;
    }
}
