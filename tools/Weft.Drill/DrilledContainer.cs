using System.Text.Json.Nodes;
using Weft.Kernel.Namespaces;

namespace Weft.Drill;

/// <summary>A container as the pretended runtime knows it, from before its first ADD.</summary>
internal sealed class DrilledContainer(AttachmentPlan plan)
{
    public AttachmentPlan Plan => plan;

    public string Id => plan.ContainerId;

    public string Netns { get; } = NetNamespace.PathOf(plan.ContainerId);

    /// <summary>What ADD answered; null while it has not.</summary>
    public JsonObject? Result { get; set; }

    public IReadOnlyList<string> Addresses { get; set; } = [];

    public string Args => plan.Pod ? $"IgnoreUnknown=1;K8S_POD_NAMESPACE={DrillNode.PodNamespace};K8S_POD_NAME={Id};K8S_POD_UID={PodUid}" : "";

    public string PodUid { get; set; } = "";

    /// <summary>The configuration as the runtime derives it from the list for this container.</summary>
    public JsonObject Configuration(string agentSocket, bool withResult)
    {
        var configuration = DrillRuntime.Configuration(plan.Network, agentSocket);
        var runtime = new JsonObject();
        if (plan.HostPort)
            runtime["portMappings"] = new JsonArray(new JsonObject { ["hostPort"] = 1024 + plan.Index % 60_000, ["containerPort"] = 80, ["protocol"] = plan.Index % 2 == 0 ? "tcp" : "udp" });
        if (plan.Limited)
            runtime["bandwidth"] = new JsonObject { ["ingressRate"] = 8_000_000, ["ingressBurst"] = 800_000, ["egressRate"] = 4_000_000, ["egressBurst"] = 400_000 };
        if (runtime.Count > 0)
            configuration["runtimeConfig"] = runtime;
        if (withResult && Result is not null)
            configuration["prevResult"] = Result.DeepClone();
        return configuration;
    }
}
