using System.Text.Json.Nodes;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Controllers;

/// <summary>Removes pods that nobody will: those of nodes that are gone, and those deleted before they had a node.</summary>
internal sealed class PodGarbageController : Controller
{
    public PodGarbageController(InformerSet api, LabLog log) : base(api, log)
    {
        api.For("pods").Changed += (_, now) =>
        {
            if (now is not null && (now.IsDeleting() || NodeIsGone(now)))
                Queue.Add(now.Key());
        };
        api.For("nodes").Changed += (old, now) =>
        {
            if (now is null)
            {
                foreach (var pod in Api.For("pods").All.Where(p => p.Str("spec", "nodeName") == old!.Name()))
                    Queue.Add(pod.Key());
            }
        };
    }

    public override string Name => "pod-garbage-controller";

    private bool NodeIsGone(JsonObject pod) => pod.Str("spec", "nodeName") is { Length: > 0 } name && Api.For("nodes").Get("", name) is null;

    protected override async Task ReconcileAsync(string key, CancellationToken cancel)
    {
        if (Api.For("pods").Get(key) is not { } pod)
            return;
        bool unplaced = pod.IsDeleting() && pod.Str("spec", "nodeName") is null or "";
        if (unplaced || NodeIsGone(pod))
            await Api.DeleteAsync("pods", pod, cancel, gracePeriodSeconds: 0);
    }
}
