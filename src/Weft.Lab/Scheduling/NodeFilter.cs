using System.Text.Json.Nodes;
using Weft.Lab.Objects;

namespace Weft.Lab.Scheduling;

/// <summary>Whether a pod may run on a node, and why not. Pure: it sees one pod, one node and what that node already carries.</summary>
internal static class NodeFilter
{
    /// <summary>Why not, in the scheduler's usual words, or null when the pod fits.</summary>
    public static string? Refusal(JsonObject pod, JsonObject node, IReadOnlyCollection<JsonObject> podsOnNode)
    {
        if (node.Flag("spec", "unschedulable") && !Tolerates(pod, Unschedulable))
            return "node(s) were unschedulable";
        foreach (var taint in node.Items("spec", "taints"))
        {
            if (taint.Str("effect") is "NoSchedule" or "NoExecute" && !Tolerates(pod, taint))
                return $"node(s) had untolerated taint {{{taint.Str("key")}: {taint.Str("value")}}}";
        }

        if (!SelectsNode(pod, node))
            return "node(s) didn't match Pod's node affinity/selector";
        return Ports(pod, podsOnNode) ?? Resources(pod, node, podsOnNode);
    }

    private static readonly JsonObject Unschedulable = new() { ["key"] = "node.kubernetes.io/unschedulable", ["effect"] = "NoSchedule" };

    public static bool SelectsNode(JsonObject pod, JsonObject node)
    {
        var labels = node.Obj("metadata", "labels");
        if (!LabelSelectors.MatchesMap(pod.Obj("spec", "nodeSelector"), labels))
            return false;
        var required = pod.Obj("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution");
        return required is null || required.Items("nodeSelectorTerms").Any(term => MatchesTerm(term, node, labels));
    }

    private static bool MatchesTerm(JsonObject term, JsonObject node, JsonObject? labels)
    {
        var expressions = term.Items("matchExpressions").ToList();
        var fields = term.Items("matchFields").ToList();
        // A term without requirements matches nothing (core/v1 NodeSelectorTerm).
        if (expressions.Count + fields.Count == 0)
            return false;
        var fieldValues = new JsonObject { ["metadata.name"] = node.Name() };
        return expressions.All(e => LabelSelectors.MatchesExpression(e, labels)) &&
            fields.All(e => LabelSelectors.MatchesExpression(e, fieldValues));
    }

    public static bool Tolerates(JsonObject pod, JsonObject taint) => pod.Items("spec", "tolerations").Any(t => ToleratedBy(t, taint));

    internal static bool ToleratedBy(JsonObject toleration, JsonObject taint)
    {
        string? effect = toleration.Str("effect");
        string key = toleration.Str("key") ?? "";
        if (!string.IsNullOrEmpty(effect) && effect != taint.Str("effect"))
            return false;
        bool exists = toleration.Str("operator") == "Exists";
        if (key.Length == 0)
            return exists;
        return key == taint.Str("key") && (exists || (toleration.Str("value") ?? "") == (taint.Str("value") ?? ""));
    }

    private static string? Ports(JsonObject pod, IReadOnlyCollection<JsonObject> podsOnNode)
    {
        var wanted = HostPorts(pod).ToList();
        return wanted.Count > 0 && podsOnNode.SelectMany(HostPorts).Any(taken => wanted.Exists(w => Conflict(w, taken)))
            ? "node(s) didn't have free ports for the requested pod ports" : null;
    }

    /// <summary>A port that is open at every address takes each of them.</summary>
    private static bool Conflict((string Protocol, long Port, string Ip) a, (string Protocol, long Port, string Ip) b) =>
        a.Protocol == b.Protocol && a.Port == b.Port && (a.Ip == b.Ip || a.Ip.Length == 0 || b.Ip.Length == 0);

    private static IEnumerable<(string Protocol, long Port, string Ip)> HostPorts(JsonObject pod) =>
        pod.Items("spec", "containers").SelectMany(c => c.Items("ports"))
            .Where(p => p.Num("hostPort") is > 0)
            .Select(p => (p.Str("protocol") ?? "TCP", p.Num("hostPort")!.Value, p.Str("hostIP") is { } ip && ip is not ("0.0.0.0" or "::") ? ip : ""));

    private static string? Resources(JsonObject pod, JsonObject node, IReadOnlyCollection<JsonObject> podsOnNode)
    {
        var allocatable = node.Obj("status", "allocatable");
        if (allocatable is null)
            return null;
        if (allocatable["pods"] is { } limit && podsOnNode.Count + 1 > Quantities.Parse(limit))
            return "Too many pods";
        foreach (var (resource, value) in allocatable)
        {
            if (resource == "pods")
                continue;
            decimal asked = Request(pod, resource);
            if (asked > 0 && asked + podsOnNode.Sum(p => Request(p, resource)) > Quantities.Parse(value))
                return $"Insufficient {resource}";
        }

        return null;
    }

    /// <summary>The sum over containers, or the largest init container where that is more (pod resource sharing within init containers).</summary>
    internal static decimal Request(JsonObject pod, string resource) => Math.Max(
        pod.Items("spec", "containers").Sum(c => Quantities.Parse(c.At("resources", "requests", resource))),
        pod.Items("spec", "initContainers").Select(c => Quantities.Parse(c.At("resources", "requests", resource))).DefaultIfEmpty(0).Max());
}
