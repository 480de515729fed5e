using System.Collections.Immutable;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Weft.KubeApi.Client;
using Weft.KubeApi.Rest;

namespace Weft.KubeApi.Storage;

/// <summary>
/// Objects in memory under one growing revision, written through to SQLite. A write is checked against <see cref="Latest"/>, then
/// committed to disk by one thread that takes whatever is waiting in one transaction, and only then seen by readers, watchers and the
/// caller: nothing that anyone has seen is lost when the process is killed.
/// </summary>
internal sealed class ObjectStore : IAsyncDisposable
{
    private readonly SqliteLog _log;
    private readonly EventHistory _history;
    private readonly Channel<Pending> _queue = Channel.CreateUnbounded<Pending>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Thread _writer;
    private readonly Lock _write = new();
    private readonly Lock _publish = new();
    private readonly int _watcherBuffer;
    private ImmutableArray<StoreWatcher> _watchers = [];
    private StoreState _latest;
    private StoreState _current;
    private long _revision;
    private bool _closed;

    private sealed record Pending(StoreEvent Change, StoreState State, TaskCompletionSource<StoredObject> Done);

    public ObjectStore(string databasePath, int historyWindow = 20_000, int watcherBuffer = 10_000)
    {
        _log = new SqliteLog(databasePath);
        _latest = _current = _log.Load();
        _revision = _current.Revision;
        _history = new EventHistory(historyWindow, _revision);
        _watcherBuffer = watcherBuffer;
        _writer = new Thread(WriteLoop) { IsBackground = true, Name = "kubeapi-store" };
        _writer.Start();
    }

    /// <summary>What is on disk, and so what readers see.</summary>
    public StoreState Current => Volatile.Read(ref _current);

    /// <summary>With the writes still on their way to disk: what the next write is based on.</summary>
    public StoreState Latest => Volatile.Read(ref _latest);

    /// <param name="check">Runs under the write lock with the state that the object will join; throws to refuse.</param>
    /// <exception cref="ApiStatusException">409 AlreadyExists.</exception>
    public Task<StoredObject> CreateAsync(ObjectKey key, JsonObject json, Action<StoreState>? check = null)
    {
        lock (_write)
        {
            check?.Invoke(_latest);
            if (_latest.Find(key) is not null)
                throw StatusErrors.AlreadyExists(key.Resource, key.Name);
            var revision = _revision + 1;
            var stored = StoredObject.Freeze(key, json, revision);
            return Enqueue(new StoreEvent(WatchEventType.Added, stored, null), _latest.With(stored, revision));
        }
    }

    /// <summary>Replaces exactly <paramref name="expected"/>.</summary>
    /// <exception cref="ApiStatusException">409 Conflict when another version is stored by now, 404 when none is.</exception>
    public Task<StoredObject> UpdateAsync(StoredObject expected, JsonObject json)
    {
        lock (_write)
        {
            Expect(expected);
            var revision = _revision + 1;
            var stored = StoredObject.Freeze(expected.Key, json, revision);
            return Enqueue(new StoreEvent(WatchEventType.Modified, stored, expected), _latest.With(stored, revision));
        }
    }

    /// <summary>Removes exactly <paramref name="expected"/>; the result is its last state under the revision of the deletion.</summary>
    /// <exception cref="ApiStatusException">As <see cref="UpdateAsync"/>.</exception>
    public Task<StoredObject> DeleteAsync(StoredObject expected, JsonObject? lastState = null)
    {
        lock (_write)
        {
            Expect(expected);
            var revision = _revision + 1;
            var stored = StoredObject.Freeze(expected.Key, lastState ?? expected.Clone(), revision);
            return Enqueue(new StoreEvent(WatchEventType.Deleted, stored, expected), _latest.Without(expected.Key, revision));
        }
    }

    /// <summary>Changes after a revision, or from now on when it is null.</summary>
    /// <exception cref="ApiStatusException">410 Expired when the history does not reach back to the revision.</exception>
    public StoreWatcher Watch(string? resource, string? ns, long? afterRevision)
    {
        lock (_publish)
        {
            IReadOnlyList<StoreEvent> backlog = [];
            if (afterRevision is { } after)
            {
                if (after < _history.CompactedRevision)
                    throw StatusErrors.Expired($"too old resource version: {after} ({_history.CompactedRevision})");
                backlog = _history.After(after)
                    .Where(e => (resource is null || e.Object.Key.Resource == resource) && (ns is null || e.Object.Key.Namespace == ns))
                    .ToArray();
            }
            var watcher = new StoreWatcher(this, resource, ns, _watcherBuffer) { Start = _current, Backlog = backlog };
            if (_closed)
                watcher.Close();
            _watchers = _watchers.Add(watcher);
            return watcher;
        }
    }

    /// <summary>
    /// The revision that a watcher has seen everything up to, or null when changes wait for it. Only the watcher's reader may ask.
    /// </summary>
    public long? CaughtUp(StoreWatcher watcher)
    {
        lock (_publish)
            return watcher.Reader.Count == 0 ? _current.Revision : null;
    }

    /// <summary>The state of one resource as it was at a past revision, undone from the current one by the history.</summary>
    /// <exception cref="ApiStatusException">410 Expired.</exception>
    public StoreState At(string resource, long revision)
    {
        lock (_publish)
        {
            if (revision < _history.CompactedRevision)
                throw StatusErrors.Expired($"The provided resource version is too old: {revision} ({_history.CompactedRevision})");
            var state = _current;
            foreach (var change in _history.After(revision).Where(e => e.Object.Key.Resource == resource).Reverse())
            {
                state = change.Previous is null
                    ? state.Without(change.Object.Key, revision)
                    : state.With(change.Previous, revision);
            }
            return state with { Revision = revision };
        }
    }

    /// <summary>Forgets the history up to a revision.</summary>
    public void Compact(long revision)
    {
        lock (_publish)
            _history.Compact(Math.Min(revision, _current.Revision));
    }

    /// <summary>Ends every watch.</summary>
    public void CloseWatchers()
    {
        lock (_publish)
        {
            _closed = true;
            foreach (var watcher in _watchers)
                watcher.Close();
            _watchers = [];
        }
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await Task.Run(_writer.Join);
        CloseWatchers();
        _log.Dispose();
    }

    internal void Remove(StoreWatcher watcher)
    {
        lock (_publish)
            _watchers = _watchers.Remove(watcher);
    }

    private void Expect(StoredObject expected)
    {
        var found = _latest.Find(expected.Key);
        if (found is null)
            throw StatusErrors.NotFound(expected.Key.Resource, expected.Key.Name);
        if (!ReferenceEquals(found, expected))
            throw StatusErrors.Conflict(expected.Key.Resource, expected.Key.Name);
    }

    private Task<StoredObject> Enqueue(StoreEvent change, StoreState state)
    {
        var pending = new Pending(change, state, new TaskCompletionSource<StoredObject>(TaskCreationOptions.RunContinuationsAsynchronously));
        if (!_queue.Writer.TryWrite(pending))
            throw StatusErrors.Unavailable("the server is shutting down");
        _revision = state.Revision;
        Volatile.Write(ref _latest, state);
        return pending.Done.Task;
    }

    private void WriteLoop()
    {
        var batch = new List<Pending>();
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            batch.Clear();
            while (batch.Count < 512 && _queue.Reader.TryRead(out var pending))
                batch.Add(pending);
            try
            {
                _log.Write(batch.ConvertAll(p => p.Change));
            }
            catch (Exception e)
            {
                FailAll(batch, e);
                continue;
            }
            foreach (var pending in batch)
                Publish(pending);
        }
    }

    private void Publish(Pending pending)
    {
        lock (_publish)
        {
            Volatile.Write(ref _current, pending.State);
            _history.Add(pending.Change);
            foreach (var watcher in _watchers)
            {
                if (watcher.Wants(pending.Change.Object.Key) && !watcher.Offer(pending.Change))
                    _watchers = _watchers.Remove(watcher);
            }
        }
        pending.Done.SetResult(pending.Change.Object);
    }

    // What waits is based on what failed, so it all goes, and the next write starts from what is on disk.
    private void FailAll(List<Pending> batch, Exception cause)
    {
        lock (_write)
        {
            while (_queue.Reader.TryRead(out var waiting))
                batch.Add(waiting);
            Volatile.Write(ref _latest, Current);
        }
        foreach (var pending in batch)
            pending.Done.SetException(StatusErrors.Internal($"the write could not be stored: {cause.Message}"));
    }
}
