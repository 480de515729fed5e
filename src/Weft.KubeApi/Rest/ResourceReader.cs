using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Rest;

/// <summary>One chunk of a list.</summary>
internal sealed record ListPage(long Revision, IReadOnlyList<StoredObject> Items, string? Continue, long? Remaining);

/// <summary>
/// One frame of a watch: an object, or a bookmark (<see cref="Object"/> null) that tells the revision reached and whether the initial
/// state is complete.
/// </summary>
internal readonly record struct WatchFrame(WatchEventType Type, StoredObject? Object, long Revision, bool InitialEventsEnd);

/// <summary>Get, list and watch over the store.</summary>
internal sealed class ResourceReader(ObjectStore store, TimeProvider time, TimeSpan bookmarkInterval)
{
    public StoredObject Get(ResourceDefinition definition, string ns, string name) =>
        store.Current.Find(new ObjectKey(definition.Resource, ns, name)) ?? throw StatusErrors.NotFound(definition.Resource, name);

    /// <param name="ns">Null for all namespaces and for cluster-scoped resources.</param>
    public ListPage List(ResourceDefinition definition, string? ns, ListOptions options)
    {
        var token = options.Continue is { Length: > 0 } text ? ContinueToken.Parse(text) : null;
        var state = SnapshotFor(definition, options, token);
        var items = new List<StoredObject>();
        string? next = null;
        long? remaining = null;
        foreach (var candidate in state.All(definition.Resource, ns))
        {
            if ((token is not null && !token.IsAfter(candidate.Key)) || !options.Matches(candidate))
                continue;
            if (options.Limit == 0 || items.Count < options.Limit)
            {
                items.Add(candidate);
                continue;
            }
            next = new ContinueToken(state.Revision, items[^1].Key.Namespace, items[^1].Key.Name).ToString();
            // With a selector the API leaves the count out, since it would have to look at the rest.
            if (!options.Labels.IsEverything || !options.Fields.IsEverything)
                break;
            remaining = (remaining ?? 0) + 1;
        }
        return new ListPage(state.Revision, items, next, remaining);
    }

    /// <summary>
    /// Frames until the client goes, the time is over or the watcher is too slow. The first failure, such as 410, throws before
    /// the first frame.
    /// </summary>
    public IAsyncEnumerable<WatchFrame> Watch(ResourceDefinition definition, string? ns, ListOptions options, CancellationToken cancel)
    {
        if (options.SendInitialEvents is not null)
        {
            if (options.ResourceVersionMatch != "NotOlderThan")
                throw InvalidOptions("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }
        else if (options.ResourceVersionMatch is not null)
        {
            throw InvalidOptions("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        var revision = options.ResourceVersion is null ? 0 : ParseRevision(options.ResourceVersion);
        // Without a revision, or at 0, a watch tells the present state first, unless it said that it does not want it.
        var initial = options.SendInitialEvents ?? revision == 0;
        if (revision > store.Current.Revision)
            throw StatusErrors.TooLargeResourceVersion(revision, store.Current.Revision);
        var watcher = store.Watch(definition.Resource, ns, initial || revision == 0 ? null : revision);
        return Frames(watcher, ns, options, initial, definition.Resource, cancel);
    }

    private async IAsyncEnumerable<WatchFrame> Frames(
        StoreWatcher watcher, string? ns, ListOptions options, bool initial, string resource,
        [EnumeratorCancellation] CancellationToken cancel)
    {
        using var _ = watcher;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var timer = options.Timeout is { } timeout ? time.CreateTimer(s => ((CancellationTokenSource)s!).Cancel(), ended, timeout, Timeout.InfiniteTimeSpan) : null;
        if (initial)
        {
            foreach (var item in watcher.Start.All(resource, ns).Where(options.Matches))
                yield return new WatchFrame(WatchEventType.Added, item, item.Revision, false);
            if (options.SendInitialEvents == true && options.AllowWatchBookmarks)
                yield return new WatchFrame(WatchEventType.Bookmark, null, watcher.Start.Revision, true);
        }
        foreach (var change in watcher.Backlog)
        {
            if (Select(change, options) is { } frame)
                yield return frame;
        }
        using var bookmark = new PeriodicTimer(bookmarkInterval, time);
        var tick = options.AllowWatchBookmarks ? bookmark.WaitForNextTickAsync(CancellationToken.None).AsTask() : null;
        while (true)
        {
            while (watcher.Reader.TryRead(out var change))
            {
                if (Select(change, options) is { } frame)
                    yield return frame;
            }
            var wait = WaitAsync(watcher.Reader, ended.Token);
            while (tick is not null && await Task.WhenAny(wait, tick) == tick)
            {
                if (store.CaughtUp(watcher) is { } revision)
                    yield return new WatchFrame(WatchEventType.Bookmark, null, revision, false);
                tick = bookmark.WaitForNextTickAsync(CancellationToken.None).AsTask();
            }
            if (!await wait)
                yield break;
        }
    }

    private static async Task<bool> WaitAsync(ChannelReader<StoreEvent> reader, CancellationToken cancel)
    {
        try
        {
            return await reader.WaitToReadAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // An object that begins to match a selector appears, one that stops matching goes (cacher.go, cacheWatcher.convertToWatchEvent).
    private static WatchFrame? Select(StoreEvent change, ListOptions options)
    {
        if (options.Labels.IsEverything && options.Fields.IsEverything)
            return new WatchFrame(change.Type, change.Object, change.Revision, false);
        var before = change.Previous is not null && options.Matches(change.Previous);
        var after = change.Type != WatchEventType.Deleted && options.Matches(change.Object);
        return (before, after) switch
        {
            (false, true) => new WatchFrame(WatchEventType.Added, change.Object, change.Revision, false),
            (true, true) => new WatchFrame(WatchEventType.Modified, change.Object, change.Revision, false),
            (true, false) => new WatchFrame(WatchEventType.Deleted, change.Object, change.Revision, false),
            _ => null,
        };
    }

    private StoreState SnapshotFor(ResourceDefinition definition, ListOptions options, ContinueToken? token)
    {
        var current = store.Current;
        if (token is not null)
        {
            if (options.ResourceVersion is not (null or "0"))
                throw StatusErrors.BadRequest("specifying resource version is not allowed when using continue");
            if (token.Revision < 0 || token.Revision == current.Revision)
                return current;
            try
            {
                return store.At(definition.Resource, token.Revision);
            }
            catch (ApiStatusException e) when (e.Code == 410)
            {
                throw new ExpiredListException(
                    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
                    + "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
                    + "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted "
                    + "between the time the first chunk was returned and now may show up in the list.",
                    (token with { Revision = -1 }).ToString());
            }
        }
        if (options.ResourceVersionMatch is not null && options.ResourceVersion is null)
            throw InvalidOptions("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided");
        if (options.ResourceVersion is null)
            return current;
        var revision = ParseRevision(options.ResourceVersion);
        if (revision > current.Revision)
            throw StatusErrors.TooLargeResourceVersion(revision, current.Revision);
        switch (options.ResourceVersionMatch)
        {
            case "Exact" when revision == 0:
                throw InvalidOptions("resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
            case "Exact":
                return revision == current.Revision ? current : store.At(definition.Resource, revision);
            case null or "NotOlderThan":
                return current;
            default:
                throw InvalidOptions("resourceVersionMatch", $"found \"{options.ResourceVersionMatch}\", supported values: Exact, NotOlderThan");
        }
    }

    private static long ParseRevision(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var revision)
            ? revision
            : throw InvalidOptions("resourceVersion", $"found \"{text}\", expected a version that this server gave out");

    private static ApiStatusException InvalidOptions(string field, string why) =>
        new(422, "Invalid", $"ListOptions.meta.k8s.io \"\" is invalid: {field}: Forbidden: {why}", new()
        {
            ["group"] = "meta.k8s.io", ["kind"] = "ListOptions",
            ["causes"] = new System.Text.Json.Nodes.JsonArray(new System.Text.Json.Nodes.JsonObject
            {
                ["reason"] = FieldErrorReason.Forbidden, ["message"] = "Forbidden: " + why, ["field"] = field,
            }),
        });
}
