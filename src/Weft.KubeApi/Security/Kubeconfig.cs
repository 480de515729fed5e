using System.Text;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Security;

/// <summary>A kubeconfig of one cluster and one user. Written as JSON, which every YAML reader reads.</summary>
internal static class Kubeconfig
{
    public static string Render(string context, string serverUrl, string authorityPem, string token)
    {
        JsonObject Named(string field, JsonObject value) => new() { ["name"] = context, [field] = value };
        var config = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Config",
            ["clusters"] = new JsonArray(Named("cluster", new JsonObject
            {
                ["server"] = serverUrl,
                ["certificate-authority-data"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(authorityPem)),
            })),
            ["users"] = new JsonArray(Named("user", new JsonObject { ["token"] = token })),
            ["contexts"] = new JsonArray(Named("context", new JsonObject { ["cluster"] = context, ["user"] = context })),
            ["current-context"] = context,
            ["preferences"] = new JsonObject(),
        };
        return Json.ToText(config) + "\n";
    }
}
