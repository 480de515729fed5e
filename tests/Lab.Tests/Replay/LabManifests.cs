using System.Text.Json.Nodes;
using Weft.Model;
using Weft.Scenarios;

namespace Lab.Tests.Replay;

/// <summary>A scenario's manifests as a kubelet takes them: pods that run something, and that are ready unless the scenario says otherwise.</summary>
internal static class LabManifests
{
    /// <summary>Namespaces first: the API refuses what is in none. Pools and blocks before the pods that use them.</summary>
    public static IEnumerable<JsonObject> Of(Scenario scenario)
    {
        foreach (var manifest in scenario.Cluster.Manifests.OrderBy(m => (string)m["kind"]! switch { "Namespace" => 0, "IPPool" => 1, "IPBlock" => 2, "Pod" => 3, _ => 4 }))
        {
            var copy = (JsonObject)manifest.DeepClone();
            if ((string)copy["kind"]! is not ("Namespace" or "IPPool" or "IPBlock"))
                copy["metadata"]!["namespace"] ??= "default";
            if ((string)copy["kind"]! == "Pod")
                CompletePod(copy, !scenario.Cluster.Unready.Contains(Key(copy)));
            yield return copy;
        }
    }

    private static ObjectKey Key(JsonObject manifest) => new((string)manifest["metadata"]!["namespace"]!, (string)manifest["metadata"]!["name"]!);

    private static void CompletePod(JsonObject pod, bool ready)
    {
        var spec = pod["spec"]!.AsObject();
        spec["terminationGracePeriodSeconds"] = 0;
        foreach (var container in spec["containers"]!.AsArray())
        {
            container!["command"] = new JsonArray("sleep", "3600");
            if (!ready)
                container["readinessProbe"] = new JsonObject { ["exec"] = new JsonObject { ["command"] = new JsonArray("false") } };
        }
        pod.Remove("status");
    }
}
