using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;
using Weft.Lab.Objects;

namespace Weft.Lab.Controllers;

/// <summary>
/// Shows every new pod its service account's token, the certificate authority and the namespace, as the ServiceAccount admission plugin
/// does: a projected volume at the path where client libraries look.
/// </summary>
internal static class ServiceAccountAdmission
{
    private const string MountPath = "/var/run/secrets/kubernetes.io/serviceaccount";

    public static async ValueTask AdmitAsync(AdmissionRequest request, CancellationToken cancel)
    {
        if (request.Operation != AdmissionOperation.Create || request.Definition.Resource != "pods" || request.Subresource.Length > 0)
            return;
        var pod = request.Object;
        if (pod.Obj("spec") is not { } spec || !await MountsTokenAsync(request, pod, spec, cancel))
            return;
        string name = "kube-api-access-" + RandomNumberGenerator.GetString("bcdfghjklmnpqrstvwxz2456789", 5);
        bool used = false;
        foreach (var container in pod.Items("spec", "containers").Concat(pod.Items("spec", "initContainers")))
        {
            if (container.Items("volumeMounts").Any(m => m.Str("mountPath") == MountPath))
                continue;
            if (container["volumeMounts"] is not JsonArray mounts)
                container["volumeMounts"] = mounts = [];
            mounts.Add((JsonNode)new JsonObject { ["name"] = name, ["readOnly"] = true, ["mountPath"] = MountPath });
            used = true;
        }

        if (!used)
            return;
        if (spec["volumes"] is not JsonArray volumes)
            spec["volumes"] = volumes = [];
        volumes.Add((JsonNode)Volume(name));
    }

    private static async ValueTask<bool> MountsTokenAsync(AdmissionRequest request, JsonObject pod, JsonObject spec, CancellationToken cancel)
    {
        if (spec["automountServiceAccountToken"] is not null)
            return spec.Flag("automountServiceAccountToken");
        string account = spec.Str("serviceAccountName") is { Length: > 0 } given ? given : "default";
        try
        {
            var found = await request.Client.GetAsync("serviceaccounts", pod.Namespace(), account, cancel);
            return found["automountServiceAccountToken"] is null || found.Flag("automountServiceAccountToken");
        }
        catch (KubeApi.Client.ApiStatusException e) when (e.Code == 404)
        {
            // A namespace's default account may be a moment younger than its first pod.
            return true;
        }
    }

    private static JsonObject Volume(string name) => new()
    {
        ["name"] = name,
        ["projected"] = new JsonObject
        {
            ["defaultMode"] = 420,
            ["sources"] = new JsonArray(
                new JsonObject { ["serviceAccountToken"] = new JsonObject { ["expirationSeconds"] = 3607, ["path"] = "token" } },
                new JsonObject
                {
                    ["configMap"] = new JsonObject
                    {
                        ["name"] = "kube-root-ca.crt",
                        ["items"] = new JsonArray(new JsonObject { ["key"] = "ca.crt", ["path"] = "ca.crt" }),
                    },
                },
                new JsonObject
                {
                    ["downwardAPI"] = new JsonObject
                    {
                        ["items"] = new JsonArray(new JsonObject
                        {
                            ["path"] = "namespace",
                            ["fieldRef"] = new JsonObject { ["apiVersion"] = "v1", ["fieldPath"] = "metadata.namespace" },
                        }),
                    },
                }),
        },
    };
}
