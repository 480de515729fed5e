using System.Net;
using Weft.Agent.Ipam.Blocks;
using Weft.Compile.Ipam;
using Weft.Kubernetes.Ipam;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Store;
using Weft.Wire.Cni;

namespace Weft.Agent.Ipam;

/// <summary>
/// Gives this node's pods their addresses: chooses pools by annotations and selectors, claims blocks, borrows when no block is left. While a range
/// has room an allocation asks nobody.
/// </summary>
public sealed class NodeAddresses : IAddressSource, IDisposable
{
    private const int MaxRaces = 8;

    private readonly IpamContext _context;
    private readonly NodeBlocks _blocks;
    private readonly Borrower _borrower;
    private readonly Lender _lender;
    private readonly BlockCare _care;

    public NodeAddresses(IpamContext context)
    {
        _context = context;
        _blocks = new NodeBlocks(context);
        _borrower = new Borrower(context);
        _lender = new Lender(context, _blocks);
        _care = new BlockCare(context, _blocks);
    }

    /// <summary>Why the node can give no address at all; null when it can.</summary>
    public string? Problem => _blocks.Problem;

    /// <summary>Brings the node's ranges in line with the cluster. Call before serving, and whenever it has changed.</summary>
    public void Follow(ClusterSnapshot snapshot) => _blocks.Follow(snapshot);

    /// <summary>Looks after blocks and loans until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        string? said = null;
        while (!cancel.IsCancellationRequested)
        {
            var snapshot = _context.Cluster.Current;
            try
            {
                await TendAsync(snapshot, cancel);
                said = null;
            }
            catch (Exception e) when (e is BlockApiException or CniException)
            {
                // Said once: while the API is away every look fails alike.
                if (said != e.Message)
                    _context.Log($"blocks: {e.Message}");
                said = e.Message;
            }
            await ChangeAsync(snapshot, cancel);
        }
    }

    /// <summary>Answers loans, returns them, claims, gives up and collects blocks: once.</summary>
    /// <exception cref="BlockApiException">The API does not answer.</exception>
    public async Task TendAsync(ClusterSnapshot snapshot, CancellationToken cancel)
    {
        _blocks.Follow(snapshot);
        await _lender.TendAsync(snapshot, cancel);
        await _borrower.TendAsync(snapshot, cancel);
        await _care.TendAsync(snapshot, cancel);
    }

    public async Task<AttachmentRecord> AllocateAsync(AttachmentRequest request, CancellationToken cancel)
    {
        if (_context.Addresses.Find(request.Key) is not null)
            return _context.Addresses.Allocate(request, [], []);
        var snapshot = await ShowingPodAsync(request, cancel);
        var node = snapshot.Nodes.GetValueOrDefault(_context.Node);
        var (pod, space) = PodOf(snapshot, request);
        var pools = PoolPlan.Of(_context.Config, snapshot);
        var addressing = request.Pool is { } named
            ? PodAddressing.OfPool(pools, node, named, request.Addresses)
            : PodAddressing.Of(pools, node, pod, space, request.Addresses);
        if (addressing.Problem is { } wrong && request.Pool is not null)
            throw StoreErrors.NoPool(wrong, request.Pool);
        if (addressing.Problem is { } problem)
            throw new CniException(CniErrorCode.InvalidConfiguration, problem, $"Correct it, then recreate the pod{(request.Pod is { } key ? $" {key}" : "")}.");
        request = request with { Addresses = addressing.Fixed };
        var choices = addressing.Families.Select(f => new FamilyChoice(f.IPv6, f.Pools)).ToEquatableArray();
        var loans = new List<Loan>();
        try
        {
            for (var race = 0; ; race++)
            {
                await MakeRoomAsync(request, choices, pools, loans, cancel);
                try
                {
                    return _context.Addresses.Allocate(request, choices, loans.Select(l => l.Address).ToEquatableArray());
                }
                catch (CniException e) when (e.Code == CniErrorCode.TryAgainLater && race < MaxRaces && RoomAgain(request, choices, loans))
                {
                    // Others took the room that there was; there is some again.
                }
            }
        }
        finally
        {
            foreach (var loan in loans)
                _borrower.Settle(loan);
        }
    }

    public void RequireRoom(string? pool)
    {
        var snapshot = _context.Cluster.Current;
        var pools = PoolPlan.Of(_context.Config, snapshot);
        var node = snapshot.Nodes.GetValueOrDefault(_context.Node);
        var addressing = pool is null ? PodAddressing.Of(pools, node, null, null, []) : PodAddressing.OfPool(pools, node, pool, []);
        if (addressing.Problem is { } problem && pool is not null)
            throw StoreErrors.NoPool(problem, pool);
        var families = addressing.Families;
        foreach (var family in families)
        {
            var choice = new FamilyChoice(family.IPv6, family.Pools);
            if (!_context.Addresses.HasRoom(choice) && !family.Pools.Select(pools.Find).OfType<IpPool>().Any(p => BlockCandidates.Of(p, snapshot).Any()
                || !p.StrictAffinity && snapshot.Blocks.Values.Any(b => b.Pool == p.Name && b.Node != _context.Node)))
                throw _context.Addresses.Shortage(choice);
        }
        if (families.IsEmpty && _context.Addresses.Cidrs.Count == 0)
            throw _context.Addresses.Shortage(new FamilyChoice(false, []));
    }

    public void Dispose() => _blocks.Dispose();

    private bool RoomAgain(AttachmentRequest request, EquatableArray<FamilyChoice> choices, List<Loan> loans) => choices.All(c =>
        request.Addresses.Any(a => IsIPv6(a) == c.IPv6) || loans.Any(l => IsIPv6(l.Address) == c.IPv6) || _context.Addresses.HasRoom(c));

    private async Task MakeRoomAsync(AttachmentRequest request, EquatableArray<FamilyChoice> choices, PoolPlan pools, List<Loan> loans, CancellationToken cancel)
    {
        foreach (var choice in choices)
        {
            if (loans.Any(l => IsIPv6(l.Address) == choice.IPv6))
                continue;
            try
            {
                if (request.Addresses.FirstOrDefault(a => IsIPv6(a) == choice.IPv6) is { } asked)
                    await ReachAsync(asked, pools, loans, cancel);
                else
                    await MakeRoomAsync(choice, pools, loans, cancel);
            }
            catch (BlockApiException e)
            {
                throw new CniException(
                    CniErrorCode.TryAgainLater, $"no range of node {_context.Node} has an address for this pod, and the API cannot be asked for another block: {e.Message}");
            }
        }
    }

    // Pool by pool: a range of it, else another block of it; then, when all are full, what others lend.
    private async Task MakeRoomAsync(FamilyChoice choice, PoolPlan pools, List<Loan> loans, CancellationToken cancel)
    {
        foreach (var name in choice.Pools)
        {
            var one = choice with { Pools = [name] };
            if (_context.Addresses.HasRoom(one))
                return;
            if (pools.Find(name) is { } pool && await _blocks.ClaimAsync(pool, one, null, cancel) && _context.Addresses.HasRoom(one))
                return;
        }
        var reasons = new List<string>();
        foreach (var pool in choice.Pools.Select(pools.Find).OfType<IpPool>())
        {
            if (pool.StrictAffinity)
                reasons.Add($"IPPool {pool.Name} has strictAffinity: nothing of it is borrowed");
            else if (await _borrower.BorrowAsync(pool, null, reasons, cancel) is { } loan)
            {
                loans.Add(loan);
                return;
            }
        }
        if (_context.Addresses.HasRoom(choice))
            return;
        var full = _context.Addresses.Shortage(choice);
        throw reasons.Count == 0 ? full : new CniException(full.Code, $"{full.Message}; no node lends one ({string.Join("; ", reasons)})", full.Details);
    }

    // A fixed address is the node's already, or lies in a block that nobody has, or is another node's to lend.
    private async Task ReachAsync(IPAddress asked, PoolPlan pools, List<Loan> loans, CancellationToken cancel)
    {
        if (_context.Addresses.Ranges.Any(r => r.Cidr.Contains(asked)) || pools.Pools.FirstOrDefault(p => p.Cidr!.Value.Contains(asked)) is not { } pool)
            return;
        if (pool.Reserved.Any(r => r.Contains(asked)))
            throw StoreErrors.NotOfPods(asked, $"is kept from pods: IPPool {pool.Name} reserves it");
        var reasons = new List<string>();
        if (await _blocks.ClaimAsync(pool, null, asked, cancel))
            return;
        loans.Add(await _borrower.BorrowAsync(pool, asked, reasons, cancel) ?? throw new CniException(
            CniErrorCode.TryAgainLater,
            $"address {asked} was asked for, which lies in a block of another node that does not lend it{(reasons.Count > 0 ? $" ({string.Join("; ", reasons)})" : "")}",
            $"weft ipam why {asked} tells who holds it."));
    }

    // Its annotations choose the pool: without it the choice could be wrong.
    private async Task<ClusterSnapshot> ShowingPodAsync(AttachmentRequest request, CancellationToken cancel)
    {
        var snapshot = _context.Cluster.Current;
        if (snapshot.Pools.IsEmpty || request.Pod is null || PodOf(snapshot, request).Pod is not null)
            return snapshot;
        using var limit = new CancellationTokenSource(_context.Times.PodShown, _context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            while (PodOf(snapshot, request).Pod is null)
                snapshot = await _context.Cluster.WaitForNewerAsync(snapshot.Revision, either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // A container outside Kubernetes whose runtime says it is a pod: it is served as one without annotations.
        }
        return _context.Cluster.Current;
    }

    private static (Workload? Pod, Namespace? Space) PodOf(ClusterSnapshot snapshot, AttachmentRequest request)
    {
        if (request.Pod is not { } key)
            return (null, null);
        var pod = snapshot.Workloads.GetValueOrDefault(key);
        // One of the same name that came before has annotations of its own.
        if (pod is not null && request.PodUid is not null && pod.Uid != request.PodUid)
            pod = null;
        return (pod, snapshot.Namespaces.GetValueOrDefault(key.Namespace));
    }

    // Until blocks, pools or nodes change, or it is time to look anyway. Other changes are none of this.
    private async Task ChangeAsync(ClusterSnapshot seen, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(_context.Times.Tend, _context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            var now = seen;
            while (now.Blocks == seen.Blocks && now.Pools == seen.Pools && now.Nodes == seen.Nodes)
                now = await _context.Cluster.WaitForNewerAsync(now.Revision, either.Token);
        }
        catch (OperationCanceledException)
        {
            // The time is over, or the agent stops.
        }
    }

    private static bool IsIPv6(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
}
