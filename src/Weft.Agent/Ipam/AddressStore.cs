using System.Net;
using Weft.Compile.HostPorts;
using Weft.Compile.Ipam;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Ipam;

/// <summary>
/// Which addresses of this node belong to which attachment, kept in a journal so that an agent killed at any instruction, or a machine whose
/// power was cut, comes back with them. One attachment a key. Thread-safe; every change is in the kernel's hands when the method
/// returns and on disk when a <see cref="SyncAsync"/> called after it completes.
/// </summary>
public sealed partial class AddressStore : IAddressSource, IDisposable
{
    private const string JournalName = "attachments.journal";
    private const int MinLinesToCompact = 1024;

    /// <summary>How long the order of release of addresses outside every range is remembered: such a range may come back.</summary>
    private static readonly TimeSpan OutsideMemory = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly AddressStoreOptions _options;
    private readonly FileStream? _exclusive;
    private readonly Journal _journal;
    private readonly Dictionary<AttachmentKey, AttachmentRecord> _attachments = [];
    private readonly Dictionary<IPAddress, AttachmentKey> _holders = [];
    private readonly HashSet<string> _hostInterfaces = new(StringComparer.Ordinal);
    private readonly RangeBook _ranges = new();
    private string _nodeName = "";

    internal AddressStore(IJournalDisk disk, FileStream? exclusive, TimeProvider time, AddressStoreOptions options)
    {
        (_exclusive, _time, _options, _start) = (exclusive, time, options, time.GetTimestamp());
        JournalOpening opening;
        (_journal, opening) = Journal.Open(disk, JournalName, options.Boot, Replay);
        try
        {
            Found = AfterOpening(opening);
        }
        catch
        {
            _journal.Dispose();
            throw;
        }
    }

    /// <summary>Opens the store in a directory, which is created (mode 0700) if need be.</summary>
    /// <exception cref="AddressStoreException">Another agent has it open, the journal is damaged, or the directory cannot be written.</exception>
    public static AddressStore Open(string directory, TimeProvider time, AddressStoreOptions? options = null)
    {
        try
        {
            var disk = DirectoryJournalDisk.Create(directory);
            var exclusive = Exclusive(directory);
            try
            {
                return new AddressStore(disk, exclusive, time, options ?? new AddressStoreOptions());
            }
            catch
            {
                exclusive.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AddressStoreException($"the address store {directory} cannot be used: {e.Message}", e);
        }
    }

    /// <summary><see cref="SetRanges"/> with nothing but the Node's spec.podCIDRs.</summary>
    /// <exception cref="AddressStoreException">As there.</exception>
    public IReadOnlyList<AttachmentRecord> SetCidrs(string nodeName, IReadOnlyList<IpPrefix> cidrs) =>
        SetRanges(nodeName, [.. cidrs.Select(c => new NodeRange(c, NodeRange.OfNode, []))]);

    /// <summary>
    /// Tells the prefixes to give addresses of. Attachments with addresses outside of them stay, and are returned: unless borrowed, their pods must
    /// be recreated to be reachable from other nodes.
    /// </summary>
    /// <exception cref="AddressStoreException">Prefixes overlap or are too small; nothing has changed.</exception>
    public IReadOnlyList<AttachmentRecord> SetRanges(string nodeName, IReadOnlyList<NodeRange> ranges)
    {
        for (var i = 0; i < ranges.Count; i++)
        {
            var field = ranges[i].Pool == NodeRange.OfNode ? "spec.podCIDRs" : $"pool {ranges[i].Pool}";
            if (AddressRange.Problem(ranges[i].Cidr) is { } problem)
                throw new AddressStoreException($"node {nodeName}, {field}: {problem}");
            for (var j = 0; j < i; j++)
                if (ranges[i].Cidr.Overlaps(ranges[j].Cidr))
                    throw new AddressStoreException(
                        $"node {nodeName}, {field}: {ranges[j].Cidr} and {ranges[i].Cidr} overlap; give the node prefixes that do not");
        }
        lock (_lock)
        {
            _nodeName = nodeName;
            _ranges.Set(ranges, _holders.Keys);
            return [.. _attachments.Values.Where(r => r.Attachment.Addresses.Any(a => !_ranges.Contains(a)))];
        }
    }

    /// <summary>One address of each family that the Node's spec.podCIDRs have.</summary>
    /// <exception cref="CniException">As of the other overload.</exception>
    public AttachmentRecord Allocate(AttachmentRequest request)
    {
        return Allocate(request, request.Pool is { } pool ? OfPool(pool) : OfNode(request.Addresses), []);
    }

    public Task<AttachmentRecord> AllocateAsync(AttachmentRequest request, CancellationToken cancel) => Task.FromResult(Allocate(request));

    public void RequireRoom(string? pool)
    {
        lock (_lock)
            RequireRoom(new AttachmentRequest(default, "", 0), pool is null ? OfNode([]) : OfPool(pool), []);
    }

    /// <summary>
    /// Gives one address a choice: the one that the request asks for, else the one borrowed, else the next of the ranges. An attachment that
    /// exists already keeps its addresses and hardware address; the rest of it is updated.
    /// </summary>
    /// <param name="borrowed">Addresses that other nodes lend to this one; no range holds them.</param>
    /// <exception cref="CniException">
    /// Code 11: there is no range, none has an address, or the one asked for is held. Code 7: the one asked for is not for pods, or another attachment
    /// holds a host port. Code 5: the journal cannot be written.
    /// </exception>
    public AttachmentRecord Allocate(AttachmentRequest request, EquatableArray<FamilyChoice> choices, EquatableArray<IPAddress> borrowed)
    {
        lock (_lock)
        {
            RequireHostPorts(request);
            if (_attachments.GetValueOrDefault(request.Key) is { } known)
            {
                var updated = Record(request, known.Attachment.Addresses, known.Attachment.HostInterface, known.Attachment.Mac, known.Created);
                if (updated != known)
                    Commit(updated);
                return updated;
            }
            RequireRoom(request, choices, borrowed);
            var taken = new List<IPAddress>(2);
            try
            {
                foreach (var choice in choices)
                    taken.Add(Take(request, choice, borrowed));
                var (host, mac) = AttachmentNames.Of(request.Key, _hostInterfaces.Contains);
                var record = Record(request, taken.ToEquatableArray(), host, (request.Mac ?? mac).ToString(), _time.GetUtcNow());
                Commit(record);
                return record;
            }
            catch
            {
                // Nobody ever saw them: they need no more rest than they had.
                foreach (var address in taken)
                    _ranges.Release(address, Now);
                throw;
            }
        }
    }

    /// <summary>Frees an attachment's addresses, which then rest. False when there is none.</summary>
    /// <exception cref="CniException">Code 5: the journal cannot be written; the attachment stays.</exception>
    public bool Release(AttachmentKey key)
    {
        lock (_lock)
            return _attachments.TryGetValue(key, out var record) && Release(record);
    }

    /// <summary>
    /// Frees exactly this attachment: false, and nothing done, when it has been released or updated since it was read. For those who judged it by what
    /// they read and act later.
    /// </summary>
    /// <exception cref="CniException">Code 5: the journal cannot be written; the attachment stays.</exception>
    public bool ReleaseUnchanged(AttachmentRecord judged)
    {
        lock (_lock)
            return _attachments.TryGetValue(judged.Key, out var record) && record == judged && Release(record);
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
            if (_journal.Broken)
                lock (_lock)
                    Rewrite();
            _journal.Sync();
        }
        catch (IOException e)
        {
            throw StoreErrors.WriteFailure(e);
        }
    });

    public void Dispose()
    {
        _journal.Dispose();
        _exclusive?.Dispose();
    }

    private EquatableArray<FamilyChoice> OfNode(EquatableArray<IPAddress> asked)
    {
        var families = Ranges.Where(r => r.Pool == NodeRange.OfNode).Select(r => r.Cidr.IsIPv6)
            .Concat(asked.Select(a => IpPrefix.Host(a).IsIPv6)).Distinct().Order();
        return [.. families.Select(ipv6 => new FamilyChoice(ipv6, [NodeRange.OfNode]))];
    }

    private EquatableArray<FamilyChoice> OfPool(string pool)
    {
        var families = Ranges.Where(r => r.Pool == pool).Select(r => r.Cidr.IsIPv6).Distinct().Order();
        return families.Any() ? [.. families.Select(ipv6 => new FamilyChoice(ipv6, [pool]))] : throw StoreErrors.NoPool($"node {_nodeName} has no block of IPPool {pool}", pool);
    }

    // Never goes back, whatever the wall clock does.
    private TimeSpan Now => _time.GetElapsedTime(_start);

    private static FileStream Exclusive(string directory)
    {
        try
        {
            // FileShare.None is an flock(2), which ends with the process however it ends.
            return new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not FileNotFoundException and not DirectoryNotFoundException)
        {
            throw new AddressStoreException($"the address store {directory} is in use by another weft-agent: stop that one, or give this one a directory of its own", e);
        }
    }

    /// <summary>Under the lock, so that of two that ask at once only one gets the port.</summary>
    private void RequireHostPorts(AttachmentRequest request)
    {
        if (HostPortConflicts.Find(request.Key, request.PortMappings, _attachments.Values.Select(r => r.Attachment)) is { } conflict)
            throw new CniException(
                CniErrorCode.InvalidConfiguration, $"runtimeConfig.portMappings: {conflict}",
                "A host port leads to one container of a node: choose another port, or delete the container that has it.");
    }

    // Before anything is taken: what one family lacks must not cost the other an address.
    private void RequireRoom(AttachmentRequest request, EquatableArray<FamilyChoice> choices, EquatableArray<IPAddress> borrowed)
    {
        if (choices.IsEmpty)
            throw StoreErrors.NoRange(_nodeName);
        foreach (var choice in choices)
        {
            if (Asked(request, choice, borrowed) is { } asked)
            {
                RequireGivable(asked, borrowed);
                continue;
            }
            if (_ranges.HasRoom(choice, Now))
                continue;
            throw StoreErrors.NoRoom(_nodeName, _ranges.Of(choice), Now);
        }
    }

    private void RequireGivable(IPAddress asked, EquatableArray<IPAddress> borrowed)
    {
        if (_holders.TryGetValue(asked, out var holder))
            throw StoreErrors.Taken(asked, _attachments[holder]);
        var range = _ranges.Find(asked);
        if (range is null && !borrowed.Contains(asked))
            throw StoreErrors.NotOfPods(asked, $"is outside of {string.Join(", ", _ranges.Ranges.Select(r => r.Cidr))} of node {_nodeName}");
        if (range?.IsReserved(asked) == true)
            throw StoreErrors.NotOfPods(asked, $"is kept from pods: reserved, or the first or last of {range.Cidr}");
    }

    private static IPAddress? Asked(AttachmentRequest request, FamilyChoice choice, EquatableArray<IPAddress> borrowed)
    {
        bool Fits(IPAddress address) => IpPrefix.Host(address).IsIPv6 == choice.IPv6;
        return request.Addresses.FirstOrDefault(Fits) ?? borrowed.FirstOrDefault(Fits);
    }

    private IPAddress Take(AttachmentRequest request, FamilyChoice choice, EquatableArray<IPAddress> borrowed)
    {
        if (Asked(request, choice, borrowed) is not { } asked)
            return _ranges.Take(choice, Now) ?? throw new InvalidOperationException("a range that has room gave no address");
        _ranges.Take(asked);
        return asked;
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
                Remember(entry.ToRecord());
                break;
            case JournalOp.Del:
                if (_attachments.TryGetValue(entry.Key, out var released))
                    Forget(released, ReadyAfter(entry.Time));
                break;
            case JournalOp.Rest:
                foreach (var (address, since) in entry.ParseResting())
                    _ranges.Rest(address, ReadyAfter(since));
                break;
            default:
                break;
        }
    }

    // The wall clock may have been set back since: nothing rests longer than if it had been released now.
    private TimeSpan ReadyAfter(DateTimeOffset? released)
    {
        var ago = released is { } when ? _time.GetUtcNow() - when : _options.Rest;
        return Now + _options.Rest - (ago < TimeSpan.Zero ? TimeSpan.Zero : ago);
    }

    private List<string> AfterOpening(JournalOpening opening)
    {
        var found = new List<string>();
        if (opening.SkippedBytes > 0)
            found.Add($"{opening.SkippedBytes} bytes of the journal never reached the disk before the machine went down; what they told ended with it");
        if (!opening.Rebooted)
            return found;
        // Every container ended with the machine. What other nodes use they still use.
        var ended = _attachments.Values.Where(r => r.Kind is not HoldKind.Loan).ToList();
        foreach (var record in ended)
            Forget(record, Now + _options.Rest);
        found.Add($"the machine has been booted anew: {ended.Count} attachments ended with their containers and are released");
        Rewrite();
        return found;
    }

    private bool Release(AttachmentRecord record)
    {
        Write(JournalEntry.Del(record.Key, _time.GetUtcNow()));
        Forget(record, Now + _options.Rest);
        CompactIfLong();
        return true;
    }

    private void Remember(AttachmentRecord record)
    {
        if (_attachments.TryGetValue(record.Key, out var before))
        {
            _hostInterfaces.Remove(before.Attachment.HostInterface);
            foreach (var address in before.Attachment.Addresses)
                _holders.Remove(address);
        }
        _attachments[record.Key] = record;
        _hostInterfaces.Add(record.Attachment.HostInterface);
        foreach (var address in record.Attachment.Addresses)
        {
            _holders[address] = record.Key;
            _ranges.Take(address);
        }
    }

    private void Forget(AttachmentRecord record, TimeSpan ready)
    {
        _attachments.Remove(record.Key);
        _hostInterfaces.Remove(record.Attachment.HostInterface);
        foreach (var address in record.Attachment.Addresses)
        {
            _holders.Remove(address);
            _ranges.Release(address, ready);
        }
    }

    private void Commit(AttachmentRecord record)
    {
        Write(JournalEntry.Add(record));
        Remember(record);
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
            throw StoreErrors.WriteFailure(e);
        }
    }

    private void CompactIfLong()
    {
        if (_journal.Lines < MinLinesToCompact || _journal.Lines < 4 * (_attachments.Count + _ranges.Resting().Count()))
            return;
        try
        {
            Rewrite();
        }
        catch (IOException)
        {
            // A longer journal is no reason to fail an ADD; the next change tries again.
        }
    }

    /// <exception cref="IOException">The disk refused.</exception>
    private void Rewrite()
    {
        _ranges.ForgetOutside(Now - OutsideMemory);
        var (now, wall) = (Now, _time.GetUtcNow());
        var boot = _options.Boot is { } id ? [JournalEntry.OfBoot(id)] : Array.Empty<JournalEntry>();
        _journal.Rewrite(boot
            .Concat(_ranges.Resting().Select(r => (r.Address, wall + (r.Ready - _options.Rest - now))).Chunk(256).Select(c => JournalEntry.Rest(c)))
            .Concat(_attachments.Values.Select(JournalEntry.Add)));
    }
}
