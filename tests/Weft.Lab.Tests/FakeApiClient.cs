using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Weft.KubeApi.Client;
using Weft.Lab.Objects;

namespace Weft.Lab.Tests;

/// <summary>An API in memory with versions, merge patches and watches, and nothing of validation, defaults or garbage collection.</summary>
internal sealed class FakeApiClient : IApiClient
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Resource, string Key), JsonObject> _objects = [];
    private readonly List<(string Resource, Channel<WatchEvent> Channel)> _watches = [];
    private long _version;
    private int _names;

    public IReadOnlyList<JsonObject> All(string resource)
    {
        lock (_lock)
            return [.. _objects.Where(o => o.Key.Resource == resource).Select(o => o.Value).OrderBy(o => o.Key(), StringComparer.Ordinal)];
    }

    public Task<JsonObject> GetAsync(string resource, string ns, string name, CancellationToken cancel = default)
    {
        lock (_lock)
            return Task.FromResult(Find(resource, ns, name).Copy());
    }

    public Task<ApiList> ListAsync(
        string resource, string ns = "", string? labelSelector = null, string? fieldSelector = null, CancellationToken cancel = default)
    {
        lock (_lock)
            return Task.FromResult(new ApiList(Text(_version), [.. All(resource).Where(o => ns.Length == 0 || o.Namespace() == ns)]));
    }

    public async IAsyncEnumerable<WatchEvent> WatchAsync(
        string resource, string ns, string resourceVersion, string? labelSelector = null, string? fieldSelector = null,
        [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var channel = Channel.CreateUnbounded<WatchEvent>();
        lock (_lock)
        {
            foreach (var obj in All(resource).Where(o => o.Version() > ulong.Parse(resourceVersion, CultureInfo.InvariantCulture)))
                channel.Writer.TryWrite(new WatchEvent(WatchEventType.Added, obj));
            _watches.Add((resource, channel));
        }

        await foreach (var change in channel.Reader.ReadAllAsync(cancel))
            yield return change;
    }

    public Task<JsonObject> CreateAsync(string resource, string ns, JsonObject body, CancellationToken cancel = default)
    {
        lock (_lock)
        {
            var obj = body.Copy();
            var meta = (JsonObject)obj["metadata"]!;
            if (ns.Length > 0)
                meta["namespace"] = ns;
            meta["name"] ??= meta.Str("generateName") + Text(++_names);
            meta["uid"] ??= $"uid-{resource}-{obj.Name()}-{_version}";
            meta["creationTimestamp"] ??= DateTimeOffset.UnixEpoch.AddSeconds(_version).ToTime();
            if (_objects.ContainsKey((resource, obj.Key())))
                throw new ApiStatusException(409, "AlreadyExists", $"{resource} \"{obj.Name()}\" already exists");
            return Task.FromResult(Store(resource, obj, WatchEventType.Added).Copy());
        }
    }

    public Task<JsonObject> UpdateAsync(string resource, JsonObject body, string? subresource = null, CancellationToken cancel = default)
    {
        lock (_lock)
        {
            Find(resource, body.Namespace(), body.Name());
            return Task.FromResult(Store(resource, body.Copy(), WatchEventType.Modified).Copy());
        }
    }

    public Task<JsonObject> PatchAsync(
        string resource, string ns, string name, PatchKind kind, JsonNode patch, string? subresource = null, CancellationToken cancel = default)
    {
        Assert.Equal(PatchKind.Merge, kind);
        lock (_lock)
        {
            var obj = Find(resource, ns, name).Copy();
            Merge(obj, (JsonObject)patch);
            return Task.FromResult(Store(resource, obj, WatchEventType.Modified).Copy());
        }
    }

    public Task DeleteAsync(
        string resource, string ns, string name, int? gracePeriodSeconds = null, string? propagationPolicy = null, CancellationToken cancel = default)
    {
        lock (_lock)
        {
            var obj = Find(resource, ns, name).Copy();
            _objects.Remove((resource, obj.Key()));
            obj["metadata"]!["resourceVersion"] = Text(++_version);
            Tell(resource, new WatchEvent(WatchEventType.Deleted, obj));
        }

        return Task.CompletedTask;
    }

    private JsonObject Find(string resource, string ns, string name) =>
        _objects.TryGetValue((resource, ns.Length > 0 ? ns + "/" + name : name), out var obj)
            ? obj : throw new ApiStatusException(404, "NotFound", $"{resource} \"{name}\" not found");

    private JsonObject Store(string resource, JsonObject obj, WatchEventType type)
    {
        obj["metadata"]!["resourceVersion"] = Text(++_version);
        _objects[(resource, obj.Key())] = obj;
        Tell(resource, new WatchEvent(type, obj));
        return obj;
    }

    private void Tell(string resource, WatchEvent change)
    {
        foreach (var (watched, channel) in _watches)
        {
            if (watched == resource)
                channel.Writer.TryWrite(change);
        }
    }

    /// <summary>RFC 7396.</summary>
    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (key, value) in patch)
        {
            if (value is null)
            {
                target.Remove(key);
            }
            else if (value is JsonObject inner)
            {
                if (target[key] is not JsonObject child)
                    target[key] = child = [];
                Merge(child, inner);
            }
            else
            {
                target[key] = value.DeepClone();
            }
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
