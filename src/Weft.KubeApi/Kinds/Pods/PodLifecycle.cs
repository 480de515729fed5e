using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Pods;

/// <summary>How a pod starts and how its deletion starts.</summary>
internal static class PodLifecycle
{
    private const string NotReady = "node.kubernetes.io/not-ready";
    private const string Unreachable = "node.kubernetes.io/unreachable";

    /// <summary>
    /// The pod's own grace period; a pod that no node has, or that has ended, goes at once (pkg/registry/core/pod, CheckGracefulDelete).
    /// </summary>
    public static int? GraceSeconds(JsonObject pod)
    {
        if (string.IsNullOrEmpty(pod.Object("spec").Text("nodeName")) || pod.Object("status").Text("phase") is "Succeeded" or "Failed")
            return 0;
        return (int)Math.Clamp(pod.Object("spec").Integer("terminationGracePeriodSeconds") ?? 30, 0, int.MaxValue);
    }

    public static void PrepareForCreate(JsonObject pod)
    {
        var spec = pod.Ensure("spec");
        pod["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = QosClass(spec) };
        if (spec.Array("schedulingGates") is { Count: > 0 })
        {
            pod["status"]!["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "PodScheduled", ["status"] = "False", ["reason"] = "SchedulingGated",
                ["message"] = "Scheduling is blocked due to non-empty scheduling gates",
            });
        }
    }

    /// <summary>A stored qosClass outlives whatever a status write says of it.</summary>
    public static void PrepareForUpdate(JsonObject pod, JsonObject old)
    {
        if (old.Object("status").Text("qosClass") is { } qos)
            pod.Ensure("status").SetDefault("qosClass", qos);
    }

    /// <summary>What the ServiceAccount, DefaultTolerationSeconds and Priority admission plugins set.</summary>
    public static ValueTask AdmitAsync(AdmissionRequest request, CancellationToken cancel)
    {
        if (request.Operation != AdmissionOperation.Create || request.Subresource.Length > 0)
            return ValueTask.CompletedTask;
        var spec = request.Object.Ensure("spec");
        spec.SetDefault("serviceAccountName", "default");
        spec.SetDefault("serviceAccount", spec.Text("serviceAccountName")!);
        spec["priority"] ??= 0;
        spec.SetDefault("preemptionPolicy", "PreemptLowerPriority");
        Tolerate(spec, NotReady);
        Tolerate(spec, Unreachable);
        return ValueTask.CompletedTask;
    }

    private static void Tolerate(JsonObject spec, string taint)
    {
        var tolerated = spec.Items("tolerations").Select(t => t.Item)
            .Any(t => (t.Text("key") == taint || string.IsNullOrEmpty(t.Text("key"))) && t.Text("effect") is null or "" or "NoExecute");
        if (tolerated)
            return;
        if (spec.Array("tolerations") is not { } tolerations)
            spec["tolerations"] = tolerations = [];
        tolerations.Add((JsonNode)new JsonObject { ["key"] = taint, ["operator"] = "Exists", ["effect"] = "NoExecute", ["tolerationSeconds"] = 300 });
    }

    /// <summary>
    /// Guaranteed when every container limits CPU and memory to what it requests, BestEffort when none says anything, Burstable otherwise.
    /// </summary>
    private static string QosClass(JsonObject spec)
    {
        var guaranteed = true;
        var bestEffort = true;
        foreach (var field in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            foreach (var (_, container) in spec.Items(field))
            {
                foreach (var resource in (ReadOnlySpan<string>)["cpu", "memory"])
                {
                    var limit = Amount(container.ObjectAt("resources", "limits"), resource);
                    var request = Amount(container.ObjectAt("resources", "requests"), resource) ?? limit;
                    bestEffort &= limit is null && request is null;
                    guaranteed &= limit is not null && limit.Equals(request);
                }
            }
        }
        return bestEffort ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
    }

    private static Quantity? Amount(JsonObject? amounts, string resource) =>
        amounts?[resource] is { } node && Quantity.TryParse(node.AsText() ?? node.ToJsonString(), out var amount) && amount.Sign > 0 ? amount : null;
}
