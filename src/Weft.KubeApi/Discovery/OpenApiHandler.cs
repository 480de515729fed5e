using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Rest;
using Weft.KubeApi.Schemas;

namespace Weft.KubeApi.Discovery;

/// <summary>/openapi/v3: an index, and a document for each group and version, made when first asked for.</summary>
internal sealed class OpenApiHandler(ResourceRegistry registry, SchemaSet schemas)
{
    private readonly ConcurrentDictionary<string, (byte[] Body, string Hash)> _documents = new();
    private long _revision = -1;

    public async Task<bool> TryHandleAsync(HttpContext http, string path)
    {
        if (!path.StartsWith("/openapi/", StringComparison.Ordinal))
            return false;
        if (path is "/openapi/v3" or "/openapi/v3/")
        {
            await HttpJson.WriteAsync(http, 200, Index());
            return true;
        }
        const string prefix = "/openapi/v3/";
        if (!path.StartsWith(prefix, StringComparison.Ordinal))
            throw StatusErrors.NoSuchPath();
        var (body, hash) = Document(path[prefix.Length..].TrimEnd('/')) ?? throw StatusErrors.NoSuchPath();
        http.Response.Headers.ETag = $"\"{hash}\"";
        await HttpJson.WriteAsync(http, 200, body);
        return true;
    }

    private JsonObject Index()
    {
        var paths = new JsonObject();
        foreach (var key in registry.Definitions.Select(OpenApiDocument.PathOf).Distinct())
        {
            if (Document(key) is var (_, hash))
                paths[key] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{key}?hash={hash}" };
        }
        return new JsonObject { ["paths"] = paths };
    }

    private (byte[] Body, string Hash)? Document(string key)
    {
        // A CRD that comes or goes makes every document new.
        var revision = registry.Revision;
        if (Interlocked.Exchange(ref _revision, revision) != revision)
            _documents.Clear();
        if (_documents.TryGetValue(key, out var known))
            return known;
        var definitions = registry.Definitions.Where(d => OpenApiDocument.PathOf(d) == key).ToArray();
        if (definitions.Length == 0)
            return null;
        var body = Json.ToUtf8(new OpenApiDocument(schemas).Build(definitions));
        known = (body, Convert.ToHexString(SHA256.HashData(body))[..32]);
        _documents[key] = known;
        return known;
    }
}
