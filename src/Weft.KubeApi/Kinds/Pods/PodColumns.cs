using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Tables;

namespace Weft.KubeApi.Kinds.Pods;

/// <summary>The table of <c>kubectl get pods</c>.</summary>
internal static class PodColumns
{
    public static IReadOnlyList<TableColumn> All { get; } =
    [
        Column.Name,
        Column.Text("Ready", "The aggregate readiness state of this pod for accepting traffic.", Ready),
        Column.Text("Status", "The aggregate status of the containers in this pod.", PodStatusText.Of),
        Column.At("Restarts", "The number of times the containers in this pod have been restarted and when the last container restarted.", Restarts),
        Column.Age,
        Column.Wide("IP", "IP address of the pod.", Ip),
        Column.Wide("Node", "The node that the pod is bound to.", obj => OrNone(obj.Object("spec").Text("nodeName"))),
        Column.Wide("Nominated Node", "The node that the pod may be bound to after preemption.", obj => OrNone(obj.Object("status").Text("nominatedNodeName"))),
        Column.Wide("Readiness Gates", "Conditions that the pod's readiness waits for.", ReadinessGates),
    ];

    private static string OrNone(string? text) => string.IsNullOrEmpty(text) ? Column.None : text;

    private static string Ip(JsonObject pod) =>
        OrNone(pod.Object("status").Items("podIPs").Select(i => i.Item.Text("ip")).FirstOrDefault() ?? pod.Object("status").Text("podIP"));

    private static IEnumerable<JsonObject> Statuses(JsonObject pod, string field) => pod.Object("status").Items(field).Select(s => s.Item);

    private static string Ready(JsonObject pod)
    {
        var sidecars = Sidecars(pod);
        var total = (pod.Object("spec").Array("containers")?.Count ?? 0) + sidecars.Count;
        var ready = Statuses(pod, "containerStatuses").Count(s => s.Flag("ready") && s.ObjectAt("state", "running") is not null)
            + Statuses(pod, "initContainerStatuses").Count(s => sidecars.Contains(s.Text("name")) && s.Flag("started") && s.Flag("ready"));
        return $"{ready}/{total}";
    }

    /// <summary>Init containers that restart always count like ordinary containers.</summary>
    internal static HashSet<string?> Sidecars(JsonObject pod) =>
        [.. pod.Object("spec").Items("initContainers").Where(c => c.Item.Text("restartPolicy") == "Always").Select(c => c.Item.Text("name"))];

    private static string Restarts(JsonObject pod, DateTimeOffset now)
    {
        var sidecars = Sidecars(pod);
        var initializing = PodStatusText.IsInitializing(pod);
        var counted = initializing
            ? Statuses(pod, "initContainerStatuses")
            : Statuses(pod, "containerStatuses").Concat(Statuses(pod, "initContainerStatuses").Where(s => sidecars.Contains(s.Text("name"))));
        long restarts = 0;
        DateTimeOffset? last = null;
        foreach (var status in counted)
        {
            restarts += status.Integer("restartCount") ?? 0;
            if (Age.Parse(status.ObjectAt("lastState", "terminated").Text("finishedAt")) is { } finished && !(finished < last))
                last = finished;
        }
        return restarts > 0 && last is { } time ? $"{restarts} ({Age.Human(now - time)} ago)" : $"{restarts}";
    }

    private static string ReadinessGates(JsonObject pod)
    {
        var gates = pod.Object("spec").Items("readinessGates").Select(g => g.Item.Text("conditionType")).ToList();
        if (gates.Count == 0)
            return Column.None;
        var conditions = pod.Object("status").Items("conditions").Select(c => c.Item).ToList();
        var met = gates.Count(g => conditions.Any(c => c.Text("type") == g && c.Text("status") == "True"));
        return $"{met}/{gates.Count}";
    }
}
