using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Pods;

namespace Weft.KubeApi.Kinds.Workloads;

/// <summary>Defaults of workloads that are not constants (pkg/apis/apps/v1/defaults.go, pkg/apis/batch/v1/defaults.go).</summary>
internal static class WorkloadDefaults
{
    public static void Deployment(JsonObject obj)
    {
        var spec = Template(obj);
        var strategy = spec.Ensure("strategy");
        strategy.SetDefault("type", "RollingUpdate");
        if (strategy.Text("type") != "RollingUpdate")
            return;
        var rolling = strategy.Ensure("rollingUpdate");
        rolling["maxUnavailable"] ??= "25%";
        rolling["maxSurge"] ??= "25%";
    }

    public static void ReplicaSet(JsonObject obj)
    {
        var spec = Template(obj);
        // A set without labels of its own takes its template's, as extensions/v1beta1 did and apps/v1 still does.
        if (obj.ObjectAt("metadata", "labels") is null && spec.ObjectAt("template", "metadata", "labels") is { Count: > 0 } labels)
            obj.Ensure("metadata")["labels"] = labels.DeepClone();
    }

    public static void DaemonSet(JsonObject obj)
    {
        var strategy = Template(obj).Ensure("updateStrategy");
        strategy.SetDefault("type", "RollingUpdate");
        if (strategy.Text("type") != "RollingUpdate")
            return;
        var rolling = strategy.Ensure("rollingUpdate");
        rolling["maxUnavailable"] ??= 1;
        rolling["maxSurge"] ??= 0;
    }

    public static void StatefulSet(JsonObject obj)
    {
        var spec = Template(obj);
        var strategy = spec.Ensure("updateStrategy");
        strategy.SetDefault("type", "RollingUpdate");
        if (strategy.Text("type") == "RollingUpdate")
            strategy.Ensure("rollingUpdate")["partition"] ??= 0;
        var retention = spec.Ensure("persistentVolumeClaimRetentionPolicy");
        retention.SetDefault("whenDeleted", "Retain");
        retention.SetDefault("whenScaled", "Retain");
    }

    public static void Job(JsonObject obj)
    {
        var spec = Template(obj);
        // Without either number a job runs one pod once; with parallelism alone it is a work queue.
        if (spec["completions"] is null && spec["parallelism"] is null)
            spec["completions"] = 1;
        spec["parallelism"] ??= 1;
        spec["backoffLimit"] ??= spec["backoffLimitPerIndex"] is null ? 6 : int.MaxValue;
        spec.SetDefault("podReplacementPolicy", spec["podFailurePolicy"] is null ? "TerminatingOrFailed" : "Failed");
    }

    private static JsonObject Template(JsonObject obj)
    {
        var spec = obj.Ensure("spec");
        if (spec.ObjectAt("template", "spec") is { } pod)
            PodDefaults.Spec(pod);
        return spec;
    }
}
