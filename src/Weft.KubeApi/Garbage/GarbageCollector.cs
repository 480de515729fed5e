using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Rest;
using Weft.KubeApi.Security;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Garbage;

/// <summary>
/// Removes objects whose owners are gone, works off the finalizers foregroundDeletion and orphan, and empties namespaces that are being
/// deleted. One task reads the store's changes in order and acts on them; what fails is tried again.
/// </summary>
internal sealed class GarbageCollector(ApiCore core) : IAsyncDisposable
{
    public const string Orphan = "orphan";
    public const string Foreground = "foregroundDeletion";

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<ObjectKey> _work = new();
    private readonly HashSet<ObjectKey> _queued = [];
    private OwnershipIndex _index = new();
    private Task _loop = Task.CompletedTask;

    public void Start() => _loop = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            // A watch ends when this task fell too far behind: it then begins again from the whole state.
            using var watcher = core.Store.Watch(null, null, null);
            Load(watcher.Start);
            try
            {
                do
                {
                    while (watcher.Reader.TryRead(out var change))
                        Observe(change);
                }
                while (await WorkAsync() ? await watcher.Reader.WaitToReadAsync(_stop.Token) : await PauseAsync());
            }
            catch (OperationCanceledException)
            {
                return;
            }
            // Closed for good when the server stops; then the pause is all that is left to do.
            if (!_stop.IsCancellationRequested)
                await Task.Delay(RetryAfter, core.Time, CancellationToken.None);
        }
    }

    private async Task<bool> PauseAsync()
    {
        await Task.Delay(RetryAfter, core.Time, _stop.Token);
        return true;
    }

    private void Load(StoreState state)
    {
        _index = new OwnershipIndex();
        _work.Clear();
        _queued.Clear();
        var all = state.Tables.Keys.SelectMany(resource => state.All(resource, null)).ToArray();
        foreach (var stored in all)
            _index.Add(stored);
        foreach (var stored in all)
            Consider(stored);
    }

    private void Observe(StoreEvent change)
    {
        if (change.Previous is not null)
            _index.Remove(change.Previous);
        if (change.Type == WatchEventType.Deleted)
        {
            foreach (var dependent in _index.DependentsOf(change.Object.Uid))
                Enqueue(dependent);
            foreach (var owner in OwnershipIndex.Owners(change.Object))
            {
                if (_index.Find(owner.Uid) is { } key)
                    Enqueue(key);
            }
            if (change.Object.Key.Namespace.Length > 0)
                Enqueue(new ObjectKey(NamespaceLifecycle.Resource, "", change.Object.Key.Namespace));
            return;
        }
        _index.Add(change.Object);
        Consider(change.Object);
    }

    private void Consider(StoredObject stored)
    {
        if (stored.Metadata["deletionTimestamp"] is not null || OwnershipIndex.Owners(stored).Any(o => !_index.OwnerExists(stored.Key, o.Uid)))
            Enqueue(stored.Key);
    }

    private void Enqueue(ObjectKey key)
    {
        if (_queued.Add(key))
            _work.Enqueue(key);
    }

    // False when something has to be tried again.
    private async Task<bool> WorkAsync()
    {
        var failed = new List<ObjectKey>();
        while (_work.TryDequeue(out var key))
        {
            _queued.Remove(key);
            try
            {
                await ProcessAsync(key);
            }
            catch (ApiStatusException)
            {
                failed.Add(key);
            }
        }
        failed.ForEach(Enqueue);
        return failed.Count == 0;
    }

    private async Task ProcessAsync(ObjectKey key)
    {
        if (core.Store.Latest.Find(key) is not { } stored || !core.Registry.TryGet(key.Resource, out var definition))
            return;
        if (stored.Metadata["deletionTimestamp"] is not null)
        {
            var finalizers = Json.Strings(stored.Metadata["finalizers"]).ToArray();
            if (finalizers.Contains(Orphan))
                await OrphanDependentsAsync(definition, stored);
            else if (finalizers.Contains(Foreground))
                await DeleteDependentsAsync(definition, stored);
            if (key.Resource == NamespaceLifecycle.Resource)
                await EmptyNamespaceAsync(definition, stored);
        }
        var owners = OwnershipIndex.Owners(stored).ToArray();
        var gone = owners.Where(o => !_index.OwnerExists(key, o.Uid)).Select(o => o.Uid).ToHashSet(StringComparer.Ordinal);
        if (owners.Length == 0 || gone.Count == 0)
            return;
        if (gone.Count == owners.Select(o => o.Uid).Distinct().Count())
            await DeleteAsync(definition, stored, null);
        else
            await DropOwnersAsync(definition, stored, gone);
    }

    private async Task DeleteDependentsAsync(ResourceDefinition definition, StoredObject owner)
    {
        var blocked = false;
        foreach (var key in _index.DependentsOf(owner.Uid))
        {
            if (core.Store.Latest.Find(key) is not { } dependent || !core.Registry.TryGet(key.Resource, out var kind))
                continue;
            var references = OwnershipIndex.Owners(dependent).ToArray();
            blocked |= references.Any(o => o.Uid == owner.Uid && o.Blocks);
            // Kept by another owner that stays: only the reference goes.
            if (references.Any(o => o.Uid != owner.Uid && _index.Find(o.Uid) is { } other && core.Store.Latest.Find(other)?.Metadata["deletionTimestamp"] is null))
                await DropOwnersAsync(kind, dependent, [owner.Uid]);
            else if (dependent.Metadata["deletionTimestamp"] is null)
                await DeleteAsync(kind, dependent, _index.DependentsOf(dependent.Uid).Length > 0 ? "Foreground" : null);
        }
        if (!blocked)
            await RemoveFinalizerAsync(definition, owner, Foreground);
    }

    private async Task OrphanDependentsAsync(ResourceDefinition definition, StoredObject owner)
    {
        foreach (var key in _index.DependentsOf(owner.Uid))
        {
            if (core.Store.Latest.Find(key) is { } dependent && core.Registry.TryGet(key.Resource, out var kind))
                await DropOwnersAsync(kind, dependent, [owner.Uid]);
        }
        await RemoveFinalizerAsync(definition, owner, Orphan);
    }

    private async Task EmptyNamespaceAsync(ResourceDefinition definition, StoredObject ns)
    {
        if (!NamespaceLifecycle.HoldsContent(definition, ns.Object))
            return;
        var state = core.Store.Latest;
        var left = 0;
        foreach (var resource in state.Tables.Keys)
        {
            if (!core.Registry.TryGet(resource, out var kind) || !kind.Namespaced)
                continue;
            foreach (var stored in state.All(resource, ns.Key.Name).ToArray())
            {
                left++;
                if (stored.Metadata["deletionTimestamp"] is null)
                    await DeleteAsync(kind, stored, null);
            }
        }
        // The deletions come back as changes, and with the last one this namespace is looked at again.
        if (left == 0)
        {
            await core.Writer.UpdateAsync(definition, "", ns.Key.Name, "finalize",
                current => Unpinned(NamespaceLifecycle.Emptied(current)), Context(), CancellationToken.None);
        }
    }

    private async Task DeleteAsync(ResourceDefinition definition, StoredObject stored, string? policy)
    {
        try
        {
            await core.Deletion.DeleteAsync(definition, stored.Key.Namespace, stored.Key.Name,
                new DeleteOptions(PropagationPolicy: policy, PreconditionUid: stored.Uid), Context(), CancellationToken.None);
        }
        catch (ApiStatusException e) when (e.Code == 404)
        {
            // Somebody else was faster.
        }
    }

    private async Task DropOwnersAsync(ResourceDefinition definition, StoredObject stored, HashSet<string> uids) =>
        await core.Writer.UpdateAsync(definition, stored.Key.Namespace, stored.Key.Name, "", current =>
        {
            var next = Unpinned(current.Clone());
            var kept = (next["metadata"]!["ownerReferences"] as JsonArray ?? [])
                .Where(r => !uids.Contains(Json.Text(r?["uid"]) ?? "")).Select(r => r?.DeepClone()).ToArray();
            next["metadata"]!["ownerReferences"] = kept.Length > 0 ? new JsonArray(kept) : null;
            return next;
        }, Context(), CancellationToken.None);

    private async Task RemoveFinalizerAsync(ResourceDefinition definition, StoredObject stored, string finalizer) =>
        await core.Writer.UpdateAsync(definition, stored.Key.Namespace, stored.Key.Name, "", current =>
        {
            var next = Unpinned(current.Clone());
            next["metadata"]!["finalizers"] =
                Json.Strings(Json.Strings(next["metadata"]!["finalizers"]).Where(f => f != finalizer).ToArray());
            return next;
        }, Context(), CancellationToken.None);

    private static JsonObject Unpinned(JsonObject target)
    {
        ((JsonObject)target["metadata"]!).Remove("resourceVersion");
        return target;
    }

    private static RequestContext Context() => new()
    {
        User = UserInfo.Server, FieldManager = "garbage-collector", Validation = FieldValidation.Ignore,
    };
}
