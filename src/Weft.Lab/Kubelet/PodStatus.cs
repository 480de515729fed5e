using System.Text.Json.Nodes;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>A pod's status from what its containers do (core/v1 PodStatus, phases as kubelet's getPhase).</summary>
internal static class PodStatus
{
    /// <param name="failure">Why the pod has failed as a whole, such as DeadlineExceeded.</param>
    public static JsonObject Build(JsonObject pod, PodWorker worker, DateTimeOffset startTime, string? failure, bool terminating, DateTimeOffset now)
    {
        var status = pod.Obj("status")?.Copy() ?? [];
        var init = worker.Containers.Where(c => c.Role != ContainerRole.Main).ToList();
        var main = worker.Containers.Where(c => c.Role == ContainerRole.Main).ToList();
        string phase = failure is not null ? "Failed" : Phase(pod, init, main);
        bool initialized = init.All(c => c.Role == ContainerRole.Init ? c.Succeeded : c.IsStarted) || (main.Any(c => c.Run is not null) && init.Count == 0);
        bool ready = !terminating && main.All(c => c.IsReady) && init.Where(c => c.Role == ContainerRole.Sidecar).All(c => c.IsReady);
        bool gates = pod.Items("spec", "readinessGates").All(g => Conditions.IsTrue(pod, g.Str("conditionType") ?? ""));
        status["phase"] = phase;
        status["startTime"] = startTime.ToTime();
        status["hostIP"] = worker.Node.HostIps[0];
        status["hostIPs"] = worker.Node.HostIps.Select(i => new JsonObject { ["ip"] = i }).ToJsonArray();
        status["qosClass"] ??= "BestEffort";
        if (worker.Sandbox is { } sandbox)
        {
            status["podIP"] = sandbox.Ips[0];
            status["podIPs"] = sandbox.Ips.Select(i => new JsonObject { ["ip"] = i }).ToJsonArray();
        }

        if (failure is not null)
        {
            status["reason"] = failure;
            status["message"] = "Pod was active on the node longer than the specified deadline";
        }

        if (init.Count > 0)
            status["initContainerStatuses"] = init.Select(c => c.Status()).ToJsonArray();
        status["containerStatuses"] = main.Select(c => c.Status()).ToJsonArray();
        bool done = phase is "Succeeded" or "Failed";
        string? whyNot = done ? "PodCompleted" : ready && gates ? null : "ContainersNotReady";
        SetConditions(status, pod,
        [
            Conditions.Make(pod, "PodReadyToStartContainers", worker.Sandbox is not null ? "True" : "False", now),
            Conditions.Make(pod, "Initialized", initialized || done ? "True" : "False", now, initialized || done ? null : "ContainersNotInitialized"),
            Conditions.Make(pod, "Ready", ready && gates && !done ? "True" : "False", now, ready && !gates ? "ReadinessGatesNotReady" : whyNot, Unready(main, ready || done)),
            Conditions.Make(pod, "ContainersReady", ready && !done ? "True" : "False", now, ready ? null : whyNot, Unready(main, ready || done)),
            Conditions.Make(pod, "PodScheduled", "True", now),
        ]);
        return status;
    }

    private static string? Unready(List<Container> main, bool ready) =>
        ready ? null : $"containers with unready status: [{string.Join(' ', main.Where(c => !c.IsReady).Select(c => c.Name))}]";

    private static void SetConditions(JsonObject status, JsonObject pod, JsonObject[] own)
    {
        var types = own.Select(c => c.Str("type")).ToHashSet();
        status["conditions"] = own.Concat(pod.Items("status", "conditions").Where(c => !types.Contains(c.Str("type"))).Select(c => c.Copy())).ToJsonArray();
    }

    internal static string Phase(JsonObject pod, IReadOnlyList<Container> init, IReadOnlyList<Container> main)
    {
        string policy = pod.Str("spec", "restartPolicy") ?? "Always";
        if (policy == "Never" && init.Any(c => c.Role == ContainerRole.Init && c.HasEnded && !c.Succeeded))
            return "Failed";
        if (main.Any(c => c.IsRunning))
            return main.Any(c => c.Run is null && c.Lost is null) ? "Pending" : "Running";
        if (main.Any(c => c.Run is null && c.Lost is null))
            return "Pending";
        static int Status(Container c) => c.Run?.ExitCode ?? c.Lost.Int(137, "exitCode");
        if (policy == "Always" || main.Any(c => c.Run is null && policy != "Never" && Status(c) != 0))
            return "Running";
        if (main.All(c => Status(c) == 0))
            return "Succeeded";
        return policy == "Never" ? "Failed" : "Running";
    }
}
