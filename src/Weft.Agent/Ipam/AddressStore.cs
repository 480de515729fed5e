using System.Globalization;
using System.Net;
using System.Text;
using Weft.Compile.Ipam;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Ipam;

/// <summary>
/// Which addresses of this node's pod CIDRs belong to which attachment, kept in a journal so that an agent killed at any instruction comes
/// back with them. One attachment a key. Thread-safe; every change is in the kernel's hands when the method
/// returns and on disk when a <see cref="SyncAsync"/> called after it completes.
/// </summary>
public sealed class AddressStore : IDisposable
{
    private const string JournalName = "attachments.journal";
    private const int MinLinesToCompact = 1024;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly FileStream _exclusive;
    private readonly Journal _journal;
    private readonly Dictionary<AttachmentKey, AttachmentRecord> _attachments = [];

    // Resting addresses that no pool holds: those read before the CIDRs were known, oldest first.
    private readonly List<IPAddress> _unpooled = [];
    private AddressPool[] _pools = [];
    private string _nodeName = "";

    private AddressStore(string directory, FileStream exclusive, TimeProvider time)
    {
        (_exclusive, _time) = (exclusive, time);
        _journal = Journal.Open(Path.Combine(directory, JournalName), Replay);
    }

    /// <summary>Opens the store in a directory, which is created (mode 0700) if need be.</summary>
    /// <exception cref="AddressStoreException">Another agent has it open, or the journal is damaged.</exception>
    public static AddressStore Open(string directory, TimeProvider time)
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        FileStream exclusive;
        try
        {
            // FileShare.None is an flock(2), which ends with the process however it ends.
            exclusive = new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not FileNotFoundException and not DirectoryNotFoundException)
        {
            throw new AddressStoreException($"the address store {directory} is in use by another weft-agent: stop that one, or give this one a directory of its own", e);
        }
        try
        {
            return new AddressStore(directory, exclusive, time);
        }
        catch
        {
            exclusive.Dispose();
            throw;
        }
    }

    /// <summary>The node's name and prefixes, empty before <see cref="SetCidrs"/>.</summary>
    public IReadOnlyList<IpPrefix> Cidrs
    {
        get
        {
            lock (_lock)
                return [.. _pools.Select(p => p.Cidr)];
        }
    }

    /// <summary>All attachments, oldest first.</summary>
    public IReadOnlyList<AttachmentRecord> Attachments
    {
        get
        {
            lock (_lock)
                return [.. _attachments.Values.OrderBy(r => r.Created)];
        }
    }

    /// <summary>
    /// Tells the prefixes to allot from (the Node's spec.podCIDRs). Attachments with addresses outside of them stay, and are returned: their
    /// pods must be recreated to be reachable from other nodes.
    /// </summary>
    /// <exception cref="AddressStoreException">The prefixes overlap, are two of a family, or too small; nothing has changed.</exception>
    public IReadOnlyList<AttachmentRecord> SetCidrs(string nodeName, IReadOnlyList<IpPrefix> cidrs)
    {
        for (var i = 0; i < cidrs.Count; i++)
        {
            if (AddressPool.Problem(cidrs[i]) is { } problem)
                throw new AddressStoreException($"node {nodeName}, spec.podCIDRs: {problem}");
            for (var j = 0; j < i; j++)
            {
                if (cidrs[i].Overlaps(cidrs[j]))
                    throw new AddressStoreException($"node {nodeName}, spec.podCIDRs: {cidrs[j]} and {cidrs[i]} overlap; give the node one prefix a family");
                if (cidrs[i].IsIPv6 == cidrs[j].IsIPv6)
                    throw new AddressStoreException(
                        $"node {nodeName}, spec.podCIDRs: {cidrs[j]} and {cidrs[i]} are of the same family; give the node one prefix a family");
            }
        }
        lock (_lock)
        {
            _nodeName = nodeName;
            if (!cidrs.SequenceEqual(_pools.Select(p => p.Cidr)))
            {
                var resting = Resting().ToList();
                _pools = [.. cidrs.Select(c => new AddressPool(c))];
                _unpooled.Clear();
                foreach (var address in _attachments.Values.SelectMany(r => r.Attachment.Addresses.AsImmutableArray()))
                    PoolOf(address)?.Take(address);
                foreach (var address in resting)
                    if (PoolOf(address) is { } pool)
                        pool.Rest(address);
                    else
                        _unpooled.Add(address);
            }
            return [.. _attachments.Values.Where(r => r.Attachment.Addresses.Any(a => PoolOf(a) is null))];
        }
    }

    /// <summary>Whether a link is, or is about to become, the node's end of an attachment.</summary>
    public bool OwnsInterface(string hostInterface)
    {
        lock (_lock)
            return _attachments.Values.Any(r => r.Attachment.HostInterface == hostInterface);
    }

    public AttachmentRecord? Find(AttachmentKey key)
    {
        lock (_lock)
            return _attachments.GetValueOrDefault(key);
    }

    /// <summary>
    /// Allots one address a family. An attachment that exists already keeps its addresses and hardware address; the rest of it is updated.
    /// </summary>
    /// <exception cref="CniException">Code 11: no CIDR is known yet, or one is exhausted. Code 5: the journal cannot be written.</exception>
    public AttachmentRecord Allocate(AttachmentRequest request)
    {
        lock (_lock)
        {
            var known = _attachments.GetValueOrDefault(request.Key);
            if (known is not null)
            {
                var updated = Record(request, known.Attachment.Addresses, known.Attachment.HostInterface, known.Attachment.Mac, known.Created);
                if (updated != known)
                    Commit(updated);
                return updated;
            }
            RequireRoom();
            RequireFree(request.Addresses);
            var taken = _pools.Select(p => request.Addresses.FirstOrDefault(p.Cidr.Contains) is { } asked && p.Take(asked) ? asked : p.Take()!).ToArray();
            try
            {
                var (host, mac) = Names(request.Key);
                var record = Record(request, taken.ToEquatableArray(), host, (request.Mac ?? mac).ToString(), _time.GetUtcNow());
                Commit(record);
                return record;
            }
            catch
            {
                foreach (var address in taken)
                    PoolOf(address)!.Release(address);
                throw;
            }
        }
    }

    /// <summary>Frees an attachment's addresses, which then rest. False when there is none.</summary>
    /// <exception cref="CniException">Code 5: the journal cannot be written; the attachment stays.</exception>
    public bool Release(AttachmentKey key)
    {
        lock (_lock)
        {
            if (!_attachments.TryGetValue(key, out var record))
                return false;
            Write(JournalEntry.Del(key, _time.GetUtcNow()));
            Forget(record);
            CompactIfLong();
            return true;
        }
    }

    /// <summary>Frees every attachment that is not among those given, and returns what it freed (GC).</summary>
    public IReadOnlyList<AttachmentRecord> Reconcile(IEnumerable<AttachmentKey> live)
    {
        var keep = live.ToHashSet();
        lock (_lock)
        {
            var stale = _attachments.Values.Where(r => !keep.Contains(r.Key)).ToList();
            foreach (var record in stale)
                Release(record.Key);
            return stale;
        }
    }

    /// <summary>Completes when every change made before the call is on the disk.</summary>
    /// <exception cref="CniException">Code 5.</exception>
    public Task SyncAsync() => Task.Run(() =>
    {
        try
        {
            _journal.Sync();
        }
        catch (IOException e)
        {
            throw WriteFailure(e);
        }
    });

    public void Dispose()
    {
        _journal.Dispose();
        _exclusive.Dispose();
    }

    private static AttachmentRecord Record(AttachmentRequest request, EquatableArray<IPAddress> addresses, string host, string mac, DateTimeOffset created) => new(
        new Attachment(request.Key.ContainerId, request.Key.InterfaceName, request.Pod, request.PodUid, addresses, host, mac, request.Netns)
        {
            Network = request.Key.Network,
            PortMappings = request.PortMappings,
            Bandwidth = request.Bandwidth,
            Aliases = request.Aliases,
        },
        request.Mtu,
        created,
        request.Kind);

    private void Replay(JournalEntry entry)
    {
        switch (entry.Op)
        {
            case JournalOp.Add:
                var record = entry.ToRecord();
                _attachments[record.Key] = record;
                foreach (var address in record.Attachment.Addresses)
                    _unpooled.Remove(address);
                break;
            case JournalOp.Del:
                if (_attachments.TryGetValue(entry.Key, out var released))
                    Forget(released);
                break;
            default:
                _unpooled.AddRange(entry.ParseAddresses());
                break;
        }
    }

    private void Forget(AttachmentRecord record)
    {
        _attachments.Remove(record.Key);
        foreach (var address in record.Attachment.Addresses)
            if (PoolOf(address) is { } pool)
                pool.Release(address);
            else
                _unpooled.Add(address);
    }

    private void Commit(AttachmentRecord record)
    {
        Write(JournalEntry.Add(record));
        _attachments[record.Key] = record;
        CompactIfLong();
    }

    private void Write(JournalEntry entry)
    {
        try
        {
            _journal.Append(entry);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw WriteFailure(e);
        }
    }

    private void CompactIfLong()
    {
        if (_journal.Lines < MinLinesToCompact || _journal.Lines < 4 * (_attachments.Count + Resting().Count()))
            return;
        try
        {
            _journal.Rewrite(Resting().Chunk(256).Select(JournalEntry.Rest).Concat(_attachments.Values.Select(JournalEntry.Add)));
        }
        catch (IOException)
        {
            // A longer journal is no reason to fail an ADD; the next change tries again.
        }
    }

    private IEnumerable<IPAddress> Resting() => _unpooled.Concat(_pools.SelectMany(p => p.Resting()));

    private AddressPool? PoolOf(IPAddress address)
    {
        foreach (var pool in _pools)
            if (pool.Cidr.Contains(address))
                return pool;
        return null;
    }

    private void RequireRoom()
    {
        if (_pools.Length == 0)
            throw new CniException(
                CniErrorCode.TryAgainLater,
                $"node {(_nodeName.Length == 0 ? "of this agent" : _nodeName)} has no pod CIDR yet (spec.podCIDRs is empty)",
                "The controller manager allots it (--allocate-node-cidrs); kubectl get node -o yaml shows it.");
        foreach (var pool in _pools)
            if (pool.InUse >= pool.Capacity)
                throw new CniException(
                    CniErrorCode.TryAgainLater,
                    $"pod CIDR {pool.Cidr} of node {_nodeName} is exhausted: {pool.InUse} of {pool.Capacity} addresses are in use",
                    "Move pods to other nodes, or give the nodes larger pod CIDRs (--node-cidr-mask-size) and recreate this one.");
    }

    // Addresses that the runtime asks for by name: all of them or none.
    private void RequireFree(EquatableArray<IPAddress> asked)
    {
        foreach (var address in asked)
        {
            if (PoolOf(address) is not { } pool)
                throw new CniException(
                    CniErrorCode.InvalidConfiguration, $"address {address} was asked for, which is outside of {string.Join(", ", _pools.Select(p => p.Cidr))} of node {_nodeName}");
            if (_attachments.Values.FirstOrDefault(r => r.Attachment.Addresses.Contains(address)) is { } holder)
                throw new CniException(
                    CniErrorCode.TryAgainLater,
                    $"address {address} was asked for, which container {holder.Key.ContainerId} ({holder.Key.InterfaceName} of network {holder.Key.Network}) holds");
            if (address.Equals(pool.Cidr.First) || address.Equals(pool.Cidr.Last) || !pool.Take(address))
                throw new CniException(CniErrorCode.InvalidConfiguration, $"address {address} was asked for, which is reserved in {pool.Cidr} of node {_nodeName}");
            pool.Release(address);
        }
    }

    // The host end's name has to be the same after a restart and fit 15 bytes, so it is a hash; another attachment that happens to have it,
    // one in 2^44, makes the next one be tried.
    private (string Host, MacAddress Mac) Names(AttachmentKey key)
    {
        for (var salt = 0; ; salt++)
        {
            var hash = StableHash.Of(Encoding.UTF8.GetBytes($"{key.Network}/{key.ContainerId}/{key.InterfaceName}/{salt}"));
            hash ^= hash >> 29;
            var host = "weft" + (hash & 0xfff_ffff_ffff).ToString("x11", CultureInfo.InvariantCulture);
            if (_attachments.Values.Any(r => r.Attachment.HostInterface == host))
                continue;
            // Unicast and locally administered (IEEE 802, U/L bit).
            return (host, new MacAddress(0x02_00_00_00_00_00UL | (hash * 0x9E3779B97F4A7C15UL) >> 24));
        }
    }

    private static CniException WriteFailure(Exception e) =>
        new(CniErrorCode.IoFailure, $"the address store cannot be written: {e.Message}", "Check the free space and health of the disk that holds it.", e);
}
