using System.Globalization;
using System.Text.Json.Nodes;
using Weft.Lab.Topology;
using Weft.Model;
using Weft.Scenarios;

namespace Lab.Tests.Replay;

/// <summary>A scenario's manifests as a lab takes them: its nodes' names and pod prefixes, and pods that run something.</summary>
internal static class LabManifests
{
    /// <summary>n1 is the lab's first node.</summary>
    public static string NodeName(LabTopology topology, string name) =>
        topology.Node(int.Parse(name.AsSpan(1), CultureInfo.InvariantCulture) - 1).Name;

    /// <summary>Namespaces first: the API refuses what is in none.</summary>
    public static IEnumerable<JsonObject> Of(Scenario scenario, LabTopology topology)
    {
        var manifests = scenario.Cluster.Manifests.OrderBy(m => (string)m["kind"]! switch { "Namespace" => 0, "Pod" => 1, _ => 2 });
        foreach (var manifest in manifests)
        {
            var copy = (JsonObject)Translate(manifest, scenario, topology)!;
            if ((string)copy["kind"]! == "Pod")
                CompletePod(copy, !scenario.Cluster.Unready.Contains(Key(copy)), topology);
            if ((string)copy["kind"]! != "Namespace")
                copy["metadata"]!["namespace"] ??= "default";
            yield return copy;
        }
    }

    private static ObjectKey Key(JsonObject manifest) => new((string?)manifest["metadata"]!["namespace"] ?? "default", (string)manifest["metadata"]!["name"]!);

    private static void CompletePod(JsonObject pod, bool ready, LabTopology topology)
    {
        var spec = pod["spec"]!.AsObject();
        spec["nodeName"] = NodeName(topology, (string)spec["nodeName"]!);
        spec["terminationGracePeriodSeconds"] = 0;
        foreach (var container in spec["containers"]!.AsArray())
        {
            container!["command"] = new JsonArray("sleep", "3600");
            if (!ready)
                container["readinessProbe"] = new JsonObject { ["exec"] = new JsonObject { ["command"] = new JsonArray("false") } };
        }
        pod.Remove("status");
    }

    /// <summary>The same tree with the lab's pod prefix of a node wherever the scenario's stands.</summary>
    private static JsonNode? Translate(JsonNode? node, Scenario scenario, LabTopology topology) => node switch
    {
        JsonObject map => new JsonObject(map.Select(p => KeyValuePair.Create(p.Key, Translate(p.Value, scenario, topology)))),
        JsonArray list => new JsonArray([.. list.Select(i => Translate(i, scenario, topology))]),
        JsonValue value when value.TryGetValue<string>(out var text) => JsonValue.Create(Prefix(text, scenario, topology)),
        _ => node?.DeepClone(),
    };

    private static string Prefix(string text, Scenario scenario, LabTopology topology)
    {
        foreach (var node in scenario.Cluster.Snapshot.Nodes.Values)
        {
            var lab = topology.FindNode(NodeName(topology, node.Name))!;
            foreach (var cidr in node.PodCidrs)
            {
                if (cidr.ToString() == text)
                    return lab.PodCidrs.First(c => c.Family == cidr.Family).ToString();
            }
        }
        return text;
    }
}
