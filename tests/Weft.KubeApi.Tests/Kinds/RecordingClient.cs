using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Tests.Kinds;

/// <summary>An API that keeps what hooks create in memory, by resource and name.</summary>
internal sealed class RecordingClient : IApiClient
{
    public Dictionary<(string Resource, string Name), JsonObject> Objects { get; } = [];

    public Task<JsonObject> GetAsync(string resource, string ns, string name, CancellationToken cancel = default) =>
        Objects.TryGetValue((resource, name), out var found) ? Task.FromResult(found) : throw Missing(resource, name);

    public Task<ApiList> ListAsync(string resource, string ns = "", string? labelSelector = null, string? fieldSelector = null, CancellationToken cancel = default) =>
        Task.FromResult(new ApiList("1", [.. Objects.Where(o => o.Key.Resource == resource).Select(o => o.Value)]));

    public IAsyncEnumerable<WatchEvent> WatchAsync(
        string resource, string ns, string resourceVersion, string? labelSelector = null, string? fieldSelector = null, CancellationToken cancel = default) =>
        throw new NotSupportedException("no hook watches");

    public Task<JsonObject> CreateAsync(string resource, string ns, JsonObject body, CancellationToken cancel = default)
    {
        var name = body.Object("metadata").Text("name")!;
        if (!Objects.TryAdd((resource, name), body))
            throw new ApiStatusException(409, "AlreadyExists", $"{resource} \"{name}\" already exists");
        return Task.FromResult(body);
    }

    public Task<JsonObject> UpdateAsync(string resource, JsonObject body, string? subresource = null, CancellationToken cancel = default)
    {
        Objects[(resource, body.Object("metadata").Text("name")!)] = body;
        return Task.FromResult(body);
    }

    public Task<JsonObject> PatchAsync(
        string resource, string ns, string name, PatchKind kind, JsonNode patch, string? subresource = null, CancellationToken cancel = default)
    {
        var found = Objects.TryGetValue((resource, name), out var obj) ? obj : throw Missing(resource, name);
        KindFixture.Merge(found, patch.AsObject());
        return Task.FromResult(found);
    }

    public Task DeleteAsync(
        string resource, string ns, string name, int? gracePeriodSeconds = null, string? propagationPolicy = null, CancellationToken cancel = default) =>
        Objects.Remove((resource, name)) ? Task.CompletedTask : throw Missing(resource, name);

    private static ApiStatusException Missing(string resource, string name) => new(404, "NotFound", $"{resource} \"{name}\" not found");
}
