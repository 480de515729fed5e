using System.Text.Json.Nodes;

namespace Weft.KubeApi.Client;

/// <summary>
/// What a controller needs of a Kubernetes API, in the objects' own JSON. A resource is named by its plural and group:
/// <c>pods</c>, <c>deployments.apps</c>, <c>networkpolicies.networking.k8s.io</c>. An empty namespace stands for cluster-scoped
/// objects, or for every namespace in lists and watches. Failures are <see cref="ApiStatusException"/> with the server's Status.
/// </summary>
public interface IApiClient
{
    Task<JsonObject> GetAsync(string resource, string ns, string name, CancellationToken cancel = default);

    Task<ApiList> ListAsync(string resource, string ns = "", string? labelSelector = null, string? fieldSelector = null, CancellationToken cancel = default);

    /// <summary>Events after a resource version; ends with an <see cref="ApiStatusException"/> of code 410 when that version is compacted.</summary>
    IAsyncEnumerable<WatchEvent> WatchAsync(
        string resource, string ns, string resourceVersion, string? labelSelector = null, string? fieldSelector = null, CancellationToken cancel = default);

    Task<JsonObject> CreateAsync(string resource, string ns, JsonObject body, CancellationToken cancel = default);

    /// <summary>Replaces an object or, with a subresource such as <c>status</c>, that part of it. Code 409 when resourceVersion is not current.</summary>
    Task<JsonObject> UpdateAsync(string resource, JsonObject body, string? subresource = null, CancellationToken cancel = default);

    Task<JsonObject> PatchAsync(
        string resource, string ns, string name, PatchKind kind, JsonNode patch, string? subresource = null, CancellationToken cancel = default);

    Task DeleteAsync(string resource, string ns, string name, int? gracePeriodSeconds = null, string? propagationPolicy = null, CancellationToken cancel = default);
}

public enum PatchKind { Json, Merge, StrategicMerge }

/// <summary>A consistent list and the version to watch from.</summary>
public sealed record ApiList(string ResourceVersion, IReadOnlyList<JsonObject> Items);

public enum WatchEventType { Added, Modified, Deleted, Bookmark }

/// <summary>One change. The object must be treated as read-only: copy before changing.</summary>
public sealed record WatchEvent(WatchEventType Type, JsonObject Object);
