using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Rest;

namespace Weft.KubeApi.Discovery;

/// <summary>/api and /apis, document by document and aggregated (apidiscovery.k8s.io/v2).</summary>
internal sealed class DiscoveryHandler(ResourceRegistry registry)
{
    private const string Aggregated = "as=APIGroupDiscoveryList";

    /// <summary>/version: the API whose behaviour this server follows.</summary>
    public static JsonObject Version => new()
    {
        ["major"] = "1", ["minor"] = "32", ["gitVersion"] = "v1.32.0", ["gitCommit"] = "", ["gitTreeState"] = "clean",
        ["buildDate"] = "2024-12-11T00:00:00Z", ["goVersion"] = "", ["compiler"] = "dotnet", ["platform"] = "linux/amd64",
    };

    public async Task<bool> TryHandleAsync(HttpContext http, string path)
    {
        var parts = path.Trim('/').Split('/');
        var catalog = new ApiCatalog(registry);
        switch (parts)
        {
            case ["api"] or ["apis"] when AggregatedType(http.Request) is var (type, version) && type is not null:
                var list = catalog.Aggregated(core: parts[0] == "api", version!);
                await HttpJson.WriteAsync(http, 200, list, type);
                return true;
            case ["api"]:
                await HttpJson.WriteAsync(http, 200, new JsonObject
                {
                    ["kind"] = "APIVersions", ["versions"] = new JsonArray("v1"),
                    ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject
                    {
                        ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = http.Request.Host.ToString(),
                    }),
                });
                return true;
            case ["apis"]:
                await HttpJson.WriteAsync(http, 200, catalog.Groups());
                return true;
            case ["api", "v1"]:
                await HttpJson.WriteAsync(http, 200, catalog.Resources("", "v1") ?? throw StatusErrors.NoSuchPath());
                return true;
            case ["apis", var group]:
                await HttpJson.WriteAsync(http, 200, catalog.Group(group) ?? throw StatusErrors.NoSuchPath());
                return true;
            case ["apis", var group, var groupVersion]:
                await HttpJson.WriteAsync(http, 200, catalog.Resources(group, groupVersion) ?? throw StatusErrors.NoSuchPath());
                return true;
            case [""]:
                await HttpJson.WriteAsync(http, 200, new JsonObject
                {
                    ["paths"] = new JsonArray("/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"),
                });
                return true;
            default:
                return false;
        }
    }

    // Clients name several versions of the aggregated form, best first.
    private static (string? MediaType, string? Version) AggregatedType(HttpRequest request)
    {
        foreach (var clause in request.Headers.Accept.ToString().Split(','))
        {
            var parts = clause.Split(';', StringSplitOptions.TrimEntries);
            if (parts[0] != HttpJson.MediaType || !parts.Contains(Aggregated))
                continue;
            var version = parts.FirstOrDefault(p => p.StartsWith("v=", StringComparison.Ordinal))?[2..];
            if (version is "v2" or "v2beta1")
                return ($"{HttpJson.MediaType};g=apidiscovery.k8s.io;v={version};{Aggregated}", version);
        }
        return (null, null);
    }
}
