using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Pods;

/// <summary>Defaults of pods and pod templates that depend on other fields (pkg/apis/core/v1/defaults.go).</summary>
internal static class PodDefaults
{
    private static readonly string[] ContainerFields = ["containers", "initContainers", "ephemeralContainers"];

    /// <summary>What pods have beyond templates: service links, and requests that follow limits.</summary>
    public static void Pod(JsonObject pod)
    {
        var spec = pod.Ensure("spec");
        Spec(spec);
        spec["enableServiceLinks"] ??= true;
        foreach (var field in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            foreach (var (_, container) in spec.Items(field))
                RequestsFollowLimits(container);
        }
    }

    /// <summary>For the pod spec of a pod or a template, once its schema's constants are in.</summary>
    public static void Spec(JsonObject spec)
    {
        // The old name of the field mirrors the new one in every answer (pkg/apis/core/v1/conversion.go).
        if ((spec.Text("serviceAccountName") is { Length: > 0 } name ? name : spec.Text("serviceAccount")) is { Length: > 0 } account)
        {
            spec["serviceAccountName"] = account;
            spec["serviceAccount"] = account;
        }
        var hostNetwork = spec.Flag("hostNetwork");
        foreach (var field in ContainerFields)
        {
            foreach (var (_, container) in spec.Items(field))
                Container(container, hostNetwork);
        }
        foreach (var (_, volume) in spec.Items("volumes"))
        {
            // A volume without a source is an empty directory.
            if (!volume.Any(f => f.Key != "name" && f.Value is not null))
                volume["emptyDir"] = new JsonObject();
        }
    }

    private static void Container(JsonObject container, bool hostNetwork)
    {
        container.SetDefault("imagePullPolicy", TagOf(container.Text("image") ?? "") is "latest" ? "Always" : "IfNotPresent");
        if (!hostNetwork)
            return;
        foreach (var (_, port) in container.Items("ports"))
        {
            if (port.Integer("hostPort") is null or 0 && port.Integer("containerPort") is { } number)
                port["hostPort"] = number;
        }
    }

    /// <summary>The tag of an image reference; <c>latest</c> when it has neither tag nor digest, empty when it has a digest only.</summary>
    private static string TagOf(string image)
    {
        var digest = image.IndexOf('@');
        var name = digest < 0 ? image : image[..digest];
        var colon = name.LastIndexOf(':');
        if (colon > name.LastIndexOf('/'))
            return name[(colon + 1)..];
        return digest < 0 ? "latest" : "";
    }

    private static void RequestsFollowLimits(JsonObject container)
    {
        if (container.ObjectAt("resources", "limits") is not { Count: > 0 } limits)
            return;
        var requests = container.Ensure("resources").Ensure("requests");
        foreach (var (resource, amount) in limits)
            requests[resource] ??= amount?.DeepClone();
    }
}
