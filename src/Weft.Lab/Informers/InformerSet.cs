using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.Lab.Objects;

namespace Weft.Lab.Informers;

/// <summary>One informer a resource, shared by all controllers of the process.</summary>
internal sealed class InformerSet(IApiClient client, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Informer> _informers = new(StringComparer.Ordinal);

    public IApiClient Client => client;

    public TimeProvider Time => time;

    /// <summary>The informer of a resource. Ask before <see cref="RunAsync"/>.</summary>
    public Informer For(string resource) => _informers.GetOrAdd(resource, r => new Informer(client, r, time));

    public Task Synced => Task.WhenAll(_informers.Values.Select(i => i.Synced));

    public Task RunAsync(CancellationToken cancel) => Task.WhenAll(_informers.Values.Select(i => Task.Run(() => i.RunAsync(cancel), cancel)));

    public async Task<JsonObject> CreateAsync(string resource, string ns, JsonObject body, CancellationToken cancel)
    {
        var made = await client.CreateAsync(resource, ns, body, cancel);
        For(resource).Observe(made);
        return made;
    }

    public async Task<JsonObject> PatchAsync(
        string resource, JsonObject target, JsonObject patch, CancellationToken cancel, string? subresource = null, PatchKind kind = PatchKind.Merge)
    {
        var made = await client.PatchAsync(
            resource, target.Namespace(), target.Name(), kind, patch, subresource, cancel);
        For(resource).Observe(made);
        return made;
    }

    /// <summary>Deletes; an object that is gone already is as good.</summary>
    public async Task DeleteAsync(
        string resource, JsonObject target, CancellationToken cancel, int? gracePeriodSeconds = null, string? propagation = null)
    {
        try
        {
            await client.DeleteAsync(
                resource, target.Namespace(), target.Name(), gracePeriodSeconds, propagation, cancel);
        }
        catch (ApiStatusException e) when (e.Code == 404)
        {
        }
    }
}
