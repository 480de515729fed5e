using System.Threading.Channels;

namespace Weft.KubeApi.Storage;

/// <summary>
/// The changes of one resource (or all, when null) since a revision. The store never waits for a watcher: one that falls behind by more
/// than its buffer is cut off, and <see cref="Reader"/> ends.
/// </summary>
internal sealed class StoreWatcher : IDisposable
{
    private readonly ObjectStore _store;
    private readonly Channel<StoreEvent> _channel;

    internal StoreWatcher(ObjectStore store, string? resource, string? ns, int buffer)
    {
        _store = store;
        Resource = resource;
        Namespace = ns;
        _channel = Channel.CreateBounded<StoreEvent>(new BoundedChannelOptions(buffer) { SingleReader = true, SingleWriter = true });
    }

    public string? Resource { get; }

    public string? Namespace { get; }

    /// <summary>The state when the watch began.</summary>
    public required StoreState Start { get; init; }

    /// <summary>Changes between the revision asked for and the start of the watch, oldest first.</summary>
    public required IReadOnlyList<StoreEvent> Backlog { get; init; }

    public ChannelReader<StoreEvent> Reader => _channel.Reader;

    public bool Wants(ObjectKey key) =>
        (Resource is null || key.Resource == Resource) && (Namespace is null || key.Namespace == Namespace);

    /// <summary>False when the watcher was too slow and is closed.</summary>
    public bool Offer(StoreEvent change)
    {
        if (_channel.Writer.TryWrite(change))
            return true;
        _channel.Writer.TryComplete();
        return false;
    }

    public void Close() => _channel.Writer.TryComplete();

    public void Dispose() => _store.Remove(this);
}
