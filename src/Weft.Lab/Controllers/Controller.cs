using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Controllers;

/// <summary>A loop that brings the world to what one object says, whenever that object or one that concerns it changes.</summary>
internal abstract class Controller(InformerSet informers, LabLog log)
{
    protected InformerSet Api { get; } = informers;

    protected LabLog Log { get; } = log;

    protected WorkQueue Queue { get; } = new(informers.Time);

    protected DateTimeOffset Now => Api.Time.GetUtcNow();

    protected virtual int Workers => 2;

    public abstract string Name { get; }

    /// <summary>Looks at one object afresh. Repeatable: it depends on what is, not on what changed.</summary>
    protected abstract Task ReconcileAsync(string key, CancellationToken cancel);

    public async Task RunAsync(CancellationToken cancel)
    {
        await Api.Synced.WaitAsync(cancel);
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => WorkAsync(cancel)));
    }

    /// <summary>One look at one object, as tests drive it.</summary>
    internal Task ReconcileOnceAsync(string key, CancellationToken cancel = default) => ReconcileAsync(key, cancel);

    private async Task WorkAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            string key;
            try
            {
                key = await Queue.TakeAsync(cancel);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            bool succeeded = false;
            try
            {
                await ReconcileAsync(key, cancel);
                succeeded = true;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (ApiStatusException e) when (e.Code is 409 or 404)
            {
                // Somebody was faster; look again with fresh eyes.
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Log.Warn(Name, $"{key}: {e.Message}");
            }

            Queue.Done(key, succeeded);
        }
    }

    /// <summary>Queues the owner of an object when a controller of this kind owns it.</summary>
    protected void WatchOwned(string resource, string ownerKind) => Api.For(resource).Changed += (old, now) =>
    {
        foreach (var obj in new[] { old, now })
        {
            if (obj?.ControllerOf() is { } owner && owner.Str("kind") == ownerKind)
                Queue.Add(obj.Namespace() + "/" + owner.Str("name"));
        }
    };

    protected void WatchSelf(string resource) => Api.For(resource).Changed += (old, now) => Queue.Add((now ?? old)!.Key());

    protected IEnumerable<JsonObject> OwnedBy(string resource, JsonObject owner)
    {
        string uid = owner.Uid();
        return Api.For(resource).In(owner.Namespace()).Where(o => o.ControllerOf().Str("uid") == uid);
    }

    /// <summary>Writes a status when it says something new.</summary>
    protected async Task UpdateStatusAsync(string resource, JsonObject obj, JsonObject status, CancellationToken cancel)
    {
        if (StatusPatch.Between(obj.Obj("status"), status) is { } patch)
            await Api.PatchAsync(resource, obj, new JsonObject { ["status"] = patch }, cancel, "status");
    }
}
