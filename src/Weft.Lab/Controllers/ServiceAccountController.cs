using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Controllers;

/// <summary>Gives every namespace its <c>default</c> service account and the certificate authority as ConfigMap kube-root-ca.crt.</summary>
internal sealed class ServiceAccountController : Controller
{
    private const string RootCa = "kube-root-ca.crt";
    private const string Account = "default";

    private readonly string _certificate;

    public ServiceAccountController(InformerSet api, string certificateAuthorityPem, LabLog log) : base(api, log)
    {
        _certificate = certificateAuthorityPem;
        WatchSelf("namespaces");
        foreach (var (resource, name) in new[] { ("serviceaccounts", Account), ("configmaps", RootCa) })
        {
            api.For(resource).Changed += (old, now) =>
            {
                if ((now ?? old)!.Name() == name)
                    Queue.Add((now ?? old)!.Namespace());
            };
        }
    }

    public override string Name => "serviceaccount-controller";

    protected override async Task ReconcileAsync(string key, CancellationToken cancel)
    {
        if (Api.For("namespaces").Get("", key) is not { } ns || ns.IsDeleting() || ns.Str("status", "phase") == "Terminating")
            return;
        if (Api.For("serviceaccounts").Get(key, Account) is null)
            await CreateAsync("serviceaccounts", key, "ServiceAccount", Account, null, cancel);
        var map = Api.For("configmaps").Get(key, RootCa);
        if (map is null)
            await CreateAsync("configmaps", key, "ConfigMap", RootCa, new JsonObject { ["ca.crt"] = _certificate }, cancel);
        else if (map.Str("data", "ca.crt") != _certificate)
            await Api.PatchAsync("configmaps", map, new JsonObject { ["data"] = new JsonObject { ["ca.crt"] = _certificate } }, cancel);
    }

    private async Task CreateAsync(string resource, string ns, string kind, string name, JsonObject? data, CancellationToken cancel)
    {
        var body = new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns },
        };
        if (data is not null)
            body["data"] = data;
        try
        {
            await Api.CreateAsync(resource, ns, body, cancel);
        }
        catch (ApiStatusException e) when (e.Reason == "AlreadyExists")
        {
        }
    }
}
