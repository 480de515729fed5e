using System.Globalization;
using System.Text.Json.Nodes;
using Weft.Lab.Objects;
using Weft.Lab.Topology;

namespace Weft.Lab.Controllers;

/// <summary>Pods made from templates, and what all workload controllers ask of pods.</summary>
internal static class PodTemplates
{
    public const string TemplateHash = "pod-template-hash";

    public static JsonObject OwnerReference(JsonObject owner, string apiVersion, string kind) => new()
    {
        ["apiVersion"] = apiVersion,
        ["kind"] = kind,
        ["name"] = owner.Name(),
        ["uid"] = owner.Uid(),
        ["controller"] = true,
        ["blockOwnerDeletion"] = true,
    };

    /// <summary>A pod as the owner's template says; the caller adds its name.</summary>
    public static JsonObject PodOf(JsonObject owner, string apiVersion, string kind)
    {
        var metadata = new JsonObject { ["namespace"] = owner.Namespace(), ["ownerReferences"] = new JsonArray(OwnerReference(owner, apiVersion, kind)) };
        foreach (string field in new[] { "labels", "annotations" })
        {
            if (owner.Obj("spec", "template", "metadata", field) is { } map)
                metadata[field] = map.DeepClone();
        }

        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = metadata,
            ["spec"] = owner.Obj("spec", "template", "spec")?.DeepClone() ?? new JsonObject(),
        };
    }

    /// <summary>The same template gives the same hash, whatever the order of its keys.</summary>
    public static string Hash(JsonNode? template) => LabPaths.ShortHash(Canonical(template))[..10];

    private static string Canonical(JsonNode? node) => node switch
    {
        JsonObject o => "{" + string.Join(',', o.Where(p => p.Value is not null).OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"\"{p.Key}\":{Canonical(p.Value)}")) + "}",
        JsonArray a => "[" + string.Join(',', a.Select(Canonical)) + "]",
        null => "null",
        _ => node.ToJsonString(),
    };

    public static bool IsReady(JsonObject pod) => Conditions.IsTrue(pod, "Ready");

    public static bool IsOver(JsonObject pod) => pod.Str("status", "phase") is "Succeeded" or "Failed";

    public static bool IsActive(JsonObject pod) => !IsOver(pod) && !pod.IsDeleting();

    /// <summary>Ready for as long as minReadySeconds asks.</summary>
    public static bool IsAvailable(JsonObject pod, int minReadySeconds, DateTimeOffset now) =>
        IsReady(pod) && (minReadySeconds == 0 ||
            Conditions.Find(pod, "Ready").Time("lastTransitionTime") is { } since && now - since >= TimeSpan.FromSeconds(minReadySeconds));

    /// <summary>A number or a percentage of a total (IntOrString).</summary>
    public static int Scaled(JsonNode? value, int total, bool roundUp, int absent)
    {
        if (value.Num() is { } number)
            return (int)number;
        string? text = value.AsText();
        if (text is null)
            return absent;
        if (!text.EndsWith('%'))
            return int.TryParse(text, CultureInfo.InvariantCulture, out int plain) ? plain : absent;
        double share = double.Parse(text[..^1], CultureInfo.InvariantCulture) * total / 100;
        return (int)(roundUp ? Math.Ceiling(share) : Math.Floor(share));
    }

    /// <summary>Which pods to give up first: not yet placed, not yet ready, then the youngest.</summary>
    public static IEnumerable<JsonObject> CheapestFirst(IEnumerable<JsonObject> pods) => pods
        .OrderBy(p => p.Str("spec", "nodeName") is { Length: > 0 })
        .ThenBy(p => p.Str("status", "phase") == "Running")
        .ThenBy(IsReady)
        .ThenByDescending(p => p.Str("metadata", "creationTimestamp"), StringComparer.Ordinal)
        .ThenByDescending(p => p.Name(), StringComparer.Ordinal);
}
