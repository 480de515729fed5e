using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Pods;

/// <summary>How a pod's deletion starts.</summary>
internal static class PodLifecycle
{
    /// <summary>
    /// The pod's own grace period; a pod that no node has, or that has ended, goes at once (pkg/registry/core/pod, CheckGracefulDelete).
    /// </summary>
    public static int? GraceSeconds(JsonObject pod)
    {
        if (string.IsNullOrEmpty(pod.Object("spec").Text("nodeName")) || pod.Object("status").Text("phase") is "Succeeded" or "Failed")
            return 0;
        return (int)Math.Clamp(pod.Object("spec").Integer("terminationGracePeriodSeconds") ?? 30, 0, int.MaxValue);
    }
}
