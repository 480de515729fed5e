using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Rest;

/// <summary>pods/binding: gives a pod its node, once (kubernetes/pkg/registry/core/pod/storage, assignPod).</summary>
internal static class PodBinding
{
    public static async Task BindAsync(
        ApiCore core, ResourceDefinition pods, string ns, string name, string node, RequestContext context, CancellationToken cancel)
    {
        await core.Writer.UpdateAsync(pods, ns, name, "", current =>
        {
            if (current.Metadata["deletionTimestamp"] is not null)
                throw StatusErrors.Conflict(pods.Resource, name, $"pod {name} is being deleted, cannot be assigned to a host");
            if (Json.Text(current.Object["spec"]?["nodeName"]) is { Length: > 0 } bound)
                throw StatusErrors.Conflict(pods.Resource, name, $"pod {name} is already assigned to node \"{bound}\"");
            var next = current.Clone();
            ((JsonObject)next["metadata"]!).Remove("resourceVersion");
            Json.Child(next, "spec")["nodeName"] = node;
            return next;
        }, context, cancel);
        await core.Writer.UpdateAsync(pods, ns, name, "status", current =>
        {
            var next = current.Clone();
            ((JsonObject)next["metadata"]!).Remove("resourceVersion");
            var status = Json.Child(next, "status");
            if (status["conditions"] is not JsonArray conditions)
                status["conditions"] = conditions = [];
            var existing = conditions.FirstOrDefault(c => Json.Text(c?["type"]) == "PodScheduled");
            if (existing is not null)
                conditions.Remove(existing);
            conditions.Add((JsonNode)new JsonObject
            {
                ["type"] = "PodScheduled", ["status"] = "True", ["lastProbeTime"] = null, ["lastTransitionTime"] = Json.Time(core.Time.GetUtcNow()),
            });
            return next;
        }, context, cancel);
    }
}
