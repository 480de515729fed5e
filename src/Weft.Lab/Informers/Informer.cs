using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.Lab.Objects;

namespace Weft.Lab.Informers;

/// <summary>
/// A live copy of one resource, kept by list and watch, with an index by namespace. Objects are shared: copy before changing.
/// Handlers run on the watch's own flow and must only take note (put a key in a queue).
/// </summary>
internal sealed class Informer(IApiClient client, string resource, TimeProvider time)
{
    private static readonly IReadOnlyDictionary<string, JsonObject> None = new Dictionary<string, JsonObject>();

    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, JsonObject>> _byNamespace = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();

    /// <summary>What handlers last heard of objects that <see cref="Observe"/> has replaced since; null when they never heard.</summary>
    private readonly Dictionary<string, JsonObject?> _heard = new(StringComparer.Ordinal);
    private ulong _seen;

    public string Resource => resource;

    /// <summary>Completes when the first list has been handed to the handlers.</summary>
    public Task Synced => _synced.Task;

    /// <summary>An object appeared (old is null), changed, or went (new is null).</summary>
    public event Action<JsonObject?, JsonObject?>? Changed;

    public JsonObject? Get(string ns, string name) =>
        _byNamespace.TryGetValue(ns, out var objects) && objects.TryGetValue(name, out var obj) ? obj : null;

    public JsonObject? Get(string key)
    {
        var (ns, name) = KubeJson.SplitKey(key);
        return Get(ns, name);
    }

    public IEnumerable<JsonObject> All => _byNamespace.Values.SelectMany(o => o.Values);

    public IEnumerable<JsonObject> In(string ns) => (_byNamespace.TryGetValue(ns, out var o) ? o : None).Select(p => p.Value);

    /// <summary>
    /// Takes in the answer to one's own write ahead of the watch, so that a controller that looks again at once sees what it has done
    /// and does not do it twice. Answers that the watch has already passed are left alone.
    /// </summary>
    public void Observe(JsonObject obj)
    {
        lock (_lock)
        {
            var old = Get(obj.Namespace(), obj.Name());
            if (obj.Version() <= _seen || (old?.Version() ?? 0) >= obj.Version())
                return;
            // The event follows, and whoever compares old with new must not find the change already in the old.
            _heard.TryAdd(obj.Key(), old);
            Put(obj);
        }
    }

    /// <summary>Lists and watches until cancelled, starting over when the watch breaks or its version is compacted.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                var list = await client.ListAsync(resource, cancel: cancel);
                Replace(list);
                _synced.TrySetResult();
                string version = list.ResourceVersion;
                await foreach (var change in client.WatchAsync(resource, "", version, cancel: cancel))
                    Apply(change);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (ApiStatusException e) when (e.Code == 410)
            {
                // Compacted: list again at once (API concepts, "410 Gone responses").
            }
            catch (Exception e) when (e is ApiStatusException or HttpRequestException or IOException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), time, cancel).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
    }

    private void Replace(ApiList list)
    {
        var live = list.Items.Select(o => o.Key()).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in All.Where(o => !live.Contains(o.Key())).ToList())
            Apply(new WatchEvent(WatchEventType.Deleted, gone));
        foreach (var obj in list.Items)
            Apply(new WatchEvent(WatchEventType.Added, obj));
        lock (_lock)
            _seen = ulong.TryParse(list.ResourceVersion, CultureInfo.InvariantCulture, out ulong v) ? v : _seen;
    }

    private void Apply(WatchEvent change)
    {
        if (change.Type == WatchEventType.Bookmark)
            return;
        var obj = change.Object;
        JsonObject? old;
        lock (_lock)
        {
            _seen = Math.Max(_seen, obj.Version());
            old = Get(obj.Namespace(), obj.Name());
            if (change.Type == WatchEventType.Deleted)
            {
                _heard.Remove(obj.Key());
                if (_byNamespace.TryGetValue(obj.Namespace(), out var objects))
                    objects.TryRemove(obj.Name(), out _);
            }
            else if (old is not null && old.Version() > obj.Version())
            {
                // One's own later write is known already; its event follows.
                return;
            }
            else
            {
                if (_heard.Remove(obj.Key(), out var heard))
                    old = heard;
                Put(obj);
            }
        }

        if (change.Type == WatchEventType.Deleted)
            Changed?.Invoke(old ?? obj, null);
        else
            Changed?.Invoke(old, obj);
    }

    private void Put(JsonObject obj) =>
        _byNamespace.GetOrAdd(obj.Namespace(), _ => new(StringComparer.Ordinal))[obj.Name()] = obj;
}
