using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Pods;

/// <summary>The STATUS column of pods: the phase, or what better explains it (as pkg/printers/internalversion computes it).</summary>
internal static class PodStatusText
{
    public static string Of(JsonObject pod)
    {
        var status = pod.Object("status");
        var text = status.Text("reason") is { Length: > 0 } reason ? reason : status.Text("phase") ?? "";
        if (status.Items("conditions").Any(c => c.Item.Text("type") == "PodScheduled" && c.Item.Text("reason") == "SchedulingGated"))
            text = "SchedulingGated";
        var initializing = Initializing(pod);
        text = initializing ?? Containers(pod, text);
        if (pod.Object("metadata").Text("deletionTimestamp") is null)
            return text;
        return status.Text("reason") == "NodeLost" ? "Unknown" : status.Text("phase") is "Succeeded" or "Failed" ? text : "Terminating";
    }

    public static bool IsInitializing(JsonObject pod) => Initializing(pod) is not null;

    /// <summary>What the first init container that is not done says; null when all are.</summary>
    private static string? Initializing(JsonObject pod)
    {
        var sidecars = PodColumns.Sidecars(pod);
        var total = pod.Object("spec").Array("initContainers")?.Count ?? 0;
        foreach (var (index, container) in pod.Object("status").Items("initContainerStatuses"))
        {
            var terminated = container.ObjectAt("state", "terminated");
            if (terminated is not null && (terminated.Integer("exitCode") ?? 0) == 0)
                continue;
            if (sidecars.Contains(container.Text("name")) && container.Flag("started"))
                continue;
            if (terminated is not null)
                return "Init:" + Ended(terminated);
            var waiting = container.ObjectAt("state", "waiting").Text("reason");
            return !string.IsNullOrEmpty(waiting) && waiting != "PodInitializing" ? "Init:" + waiting : $"Init:{index}/{total}";
        }
        return null;
    }

    private static string Containers(JsonObject pod, string text)
    {
        var running = false;
        var statuses = pod.Object("status").Items("containerStatuses").Select(s => s.Item).ToList();
        for (var i = statuses.Count - 1; i >= 0; i--)
        {
            var state = statuses[i].Object("state");
            if (state.Object("waiting").Text("reason") is { Length: > 0 } waiting)
                text = waiting;
            else if (state.Object("terminated") is { } terminated)
                text = Ended(terminated);
            else if (statuses[i].Flag("ready") && state.Object("running") is not null)
                running = true;
        }
        if (text != "Completed" || !running)
            return text;
        var ready = pod.Object("status").Items("conditions").Any(c => c.Item.Text("type") == "Ready" && c.Item.Text("status") == "True");
        return ready ? "Running" : "NotReady";
    }

    private static string Ended(JsonObject terminated)
    {
        if (terminated.Text("reason") is { Length: > 0 } reason)
            return reason;
        return terminated.Integer("signal") is { } signal and not 0 ? $"Signal:{signal}" : $"ExitCode:{terminated.Integer("exitCode") ?? 0}";
    }
}
