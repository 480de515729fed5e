using System.Collections.Immutable;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Policy;
using Weft.Model.Services;

namespace Weft.Store;

/// <summary>
/// Holds the one current <see cref="ClusterSnapshot"/>. Writers (reflectors, the CNI server) replace parts of it; every replacement that
/// changes something gets the next revision. Readers take the snapshot and never block writers. Changes are coalesced: whoever waits
/// learns that something newer exists, not how many changes led there.
/// </summary>
public sealed class ClusterStore
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _unsynced = [];
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ClusterSnapshot _current = ClusterSnapshot.Empty;

    public ClusterStore()
    {
        Nodes = new Table<string, Node>(this, s => s.Nodes, (s, t) => s with { Nodes = t });
        Namespaces = new Table<string, Namespace>(this, s => s.Namespaces, (s, t) => s with { Namespaces = t });
        Workloads = new Table<ObjectKey, Workload>(this, s => s.Workloads, (s, t) => s with { Workloads = t });
        Services = new Table<ObjectKey, Service>(this, s => s.Services, (s, t) => s with { Services = t });
        EndpointSlices = new Table<ObjectKey, EndpointSlice>(this, s => s.EndpointSlices, (s, t) => s with { EndpointSlices = t });
        Policies = new Table<ObjectKey, NetworkPolicy>(this, s => s.Policies, (s, t) => s with { Policies = t });
        Attachments = new Table<AttachmentKey, Attachment>(this, s => s.Attachments, (s, t) => s with { Attachments = t });
        Pools = new Table<string, IpPool>(this, s => s.Pools, (s, t) => s with { Pools = t });
        Blocks = new Table<string, AddressBlock>(this, s => s.Blocks, (s, t) => s with { Blocks = t });
    }

    public ClusterSnapshot Current => _current;

    public Table<string, Node> Nodes { get; }

    public Table<string, Namespace> Namespaces { get; }

    public Table<ObjectKey, Workload> Workloads { get; }

    public Table<ObjectKey, Service> Services { get; }

    public Table<ObjectKey, EndpointSlice> EndpointSlices { get; }

    public Table<ObjectKey, NetworkPolicy> Policies { get; }

    public Table<AttachmentKey, Attachment> Attachments { get; }

    public Table<string, IpPool> Pools { get; }

    public Table<string, AddressBlock> Blocks { get; }

    /// <summary>Completes when every source named to <see cref="Expect"/> has reported its first full list.</summary>
    public Task Synced => _synced.Task;

    /// <summary>Names a source that must report before the kernel may be touched. Call before any source starts.</summary>
    public void Expect(string source)
    {
        lock (_gate)
            _unsynced.Add(source);
    }

    public void MarkSynced(string source)
    {
        lock (_gate)
        {
            _unsynced.Remove(source);
            if (_unsynced.Count == 0)
                _synced.TrySetResult();
        }
    }

    /// <summary>The sources that have not reported yet, for those who ask why nothing happens.</summary>
    public IReadOnlyList<string> Unsynced
    {
        get
        {
            lock (_gate)
                return [.. _unsynced.Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Waits until the current snapshot is newer than <paramref name="revision"/> and returns it.</summary>
    public async Task<ClusterSnapshot> WaitForNewerAsync(long revision, CancellationToken cancel)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_current.Revision > revision)
                    return _current;
                changed = _changed.Task;
            }
            await changed.WaitAsync(cancel);
        }
    }

    /// <summary>Replaces the snapshot if the update changes it; returns the revision that holds the update.</summary>
    internal long Update(Func<ClusterSnapshot, ClusterSnapshot> update)
    {
        TaskCompletionSource waiters;
        long revision;
        lock (_gate)
        {
            var next = update(_current);
            if (ReferenceEquals(next, _current))
                return _current.Revision;
            revision = _current.Revision + 1;
            _current = next with { Revision = revision };
            waiters = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        waiters.SetResult();
        return revision;
    }
}

/// <summary>One table of the store: writes that change nothing make no new revision.</summary>
public sealed class Table<TKey, TRow>
    where TKey : notnull
    where TRow : class
{
    private readonly ClusterStore _store;
    private readonly Func<ClusterSnapshot, ImmutableDictionary<TKey, TRow>> _get;
    private readonly Func<ClusterSnapshot, ImmutableDictionary<TKey, TRow>, ClusterSnapshot> _set;

    internal Table(
        ClusterStore store,
        Func<ClusterSnapshot, ImmutableDictionary<TKey, TRow>> get,
        Func<ClusterSnapshot, ImmutableDictionary<TKey, TRow>, ClusterSnapshot> set) =>
        (_store, _get, _set) = (store, get, set);

    public long Upsert(TKey key, TRow row) => Change(rows => rows.TryGetValue(key, out var old) && old.Equals(row) ? rows : rows.SetItem(key, row));

    public long Remove(TKey key) => Change(rows => rows.Remove(key));

    /// <summary>Makes the table hold exactly these rows (a fresh list); rows that are equal to the old ones keep their identity.</summary>
    public long Replace(IReadOnlyDictionary<TKey, TRow> rows) => Change(old =>
    {
        var builder = old.ToBuilder();
        foreach (var key in old.Keys)
        {
            if (!rows.ContainsKey(key))
                builder.Remove(key);
        }
        foreach (var (key, row) in rows)
        {
            if (!old.TryGetValue(key, out var existing) || !existing.Equals(row))
                builder[key] = row;
        }
        return builder.ToImmutable();
    });

    private long Change(Func<ImmutableDictionary<TKey, TRow>, ImmutableDictionary<TKey, TRow>> change) => _store.Update(snapshot =>
    {
        var rows = _get(snapshot);
        var changed = change(rows);
        return ReferenceEquals(changed, rows) ? snapshot : _set(snapshot, changed);
    });
}
