using Weft.Compile.Ipam;
using Weft.Kubernetes.Ipam;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Agent.Ipam.Blocks;

/// <summary>
/// What becomes of blocks without anybody asking: more are claimed before the last is full, empty ones are given up, those of nodes that are gone
/// are collected.
/// </summary>
internal sealed class BlockCare(IpamContext context, NodeBlocks blocks)
{
    // By block and by node.
    private readonly Dictionary<string, long> _emptySince = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _missingSince = new(StringComparer.Ordinal);

    /// <exception cref="BlockApiException">The API does not answer; what was not done is done at the next call.</exception>
    public async Task TendAsync(ClusterSnapshot snapshot, CancellationToken cancel)
    {
        var own = blocks.Own(snapshot);
        if (!snapshot.Pools.IsEmpty && snapshot.Nodes.TryGetValue(context.Node, out var node))
        {
            var pools = PoolPlan.Of(context.Config, snapshot);
            await ClaimFirstAsync(node, pools, snapshot, cancel);
            await ClaimAheadAsync(own, pools, node, snapshot, cancel);
            await ReclaimAsync(pools, snapshot, cancel);
        }
        foreach (var block in own)
            await GiveUpAsync(block, own, snapshot, cancel);
        await CollectAsync(snapshot, cancel);
    }

    private static bool Serves(IpPool pool, Node node) => !pool.Disabled && pool.NodeSelector?.Matches(node.Labels) != false;

    // A node without pod prefixes of its own is of use only with a block.
    private async Task ClaimFirstAsync(Node node, PoolPlan pools, ClusterSnapshot snapshot, CancellationToken cancel)
    {
        if (!node.PodCidrs.IsEmpty)
            return;
        foreach (var family in pools.Pools.Where(p => Serves(p, node)).OrderBy(p => p.Assignment).GroupBy(p => p.Cidr!.Value.IsIPv6))
        {
            if (blocks.Own(snapshot).Any(b => b.Cidr!.Value.IsIPv6 == family.Key))
                continue;
            foreach (var pool in family)
                if (await blocks.ClaimAsync(pool, null, null, cancel))
                    break;
        }
    }

    // Not before a quarter of a block is left, and only while the pool has plenty: what this node does not need yet another may.
    private async Task ClaimAheadAsync(IReadOnlyList<AddressBlock> own, PoolPlan pools, Node node, ClusterSnapshot snapshot, CancellationToken cancel)
    {
        var usage = context.Addresses.Usage();
        foreach (var pool in own.Select(b => b.Pool).Distinct().Select(pools.Find).OfType<IpPool>().Where(p => Serves(p, node)))
        {
            var ranges = usage.Where(u => u.Range.Pool == pool.Name).ToList();
            if (ranges.Count == 0 || ranges.Sum(u => u.Free) * 4 > ranges.Max(u => u.Capacity))
                continue;
            if ((UInt128)snapshot.Blocks.Values.Count(b => b.Pool == pool.Name) * 2 < BlockCandidates.CountOf(pool))
                await blocks.ClaimAsync(pool, null, null, cancel);
        }
    }

    // A block that was deleted under its pods: it must not become another node's while they live.
    private async Task ReclaimAsync(PoolPlan pools, ClusterSnapshot snapshot, CancellationToken cancel)
    {
        foreach (var record in context.Addresses.Attachments.Where(r => r.Kind != HoldKind.Loan))
            foreach (var address in record.Attachment.Addresses)
            {
                if (snapshot.Nodes[context.Node].PodCidrs.Any(c => c.Contains(address)) || snapshot.Blocks.Values.Any(b => b.Cidr?.Contains(address) == true))
                    continue;
                if (pools.Pools.FirstOrDefault(p => p.Cidr!.Value.Contains(address)) is { } pool
                    && !blocks.Own(snapshot).Any(b => b.Cidr!.Value.Contains(address))
                    && await blocks.ClaimAsync(pool, null, address, cancel))
                    context.Log($"the block of {address} was deleted while {StoreErrors.Describe(record)} holds it; claimed again");
            }
    }

    private async Task GiveUpAsync(AddressBlock block, IReadOnlyList<AddressBlock> own, ClusterSnapshot snapshot, CancellationToken cancel)
    {
        var empty = !context.Addresses.AnyWithin(block.Cidr!.Value) && block.Loans.IsEmpty;
        if (!empty || !block.Deleting && IsKept(block, own, snapshot))
        {
            _emptySince.Remove(block.Uid);
            return;
        }
        var since = _emptySince.TryGetValue(block.Uid, out var noted) ? noted : _emptySince[block.Uid] = context.Time.GetTimestamp();
        // It may be of use again soon, as long as its pool is.
        if (!block.Deleting && IsServing(block, snapshot) && context.Time.GetElapsedTime(since) < context.Times.EmptyBlock)
            return;
        if (!blocks.TryRetire(block))
            return;
        var gone = false;
        try
        {
            gone = await context.Api.DeleteAsync(block, cancel);
        }
        finally
        {
            blocks.Unretire(block, gone);
        }
        if (gone)
            context.Log($"gave up block {block.Cidr} of pool {block.Pool}");
        _emptySince.Remove(block.Uid);
    }

    // The only one of a pool that is in use, and the one whose first address stands for the node in the tunnel.
    private bool IsKept(AddressBlock block, IReadOnlyList<AddressBlock> own, ClusterSnapshot snapshot)
    {
        var ipv6 = block.Cidr!.Value.IsIPv6;
        if (IsServing(block, snapshot) && own.Count(b => b.Pool == block.Pool) == 1)
            return true;
        return snapshot.Nodes.GetValueOrDefault(context.Node)?.PodCidrs.Any(c => c.IsIPv6 == ipv6) != true
            && own.First(b => b.Cidr!.Value.IsIPv6 == ipv6).Uid == block.Uid;
    }

    private static bool IsServing(AddressBlock block, ClusterSnapshot snapshot) => snapshot.Pools.TryGetValue(block.Pool, out var pool) && !pool.Disabled;

    private async Task CollectAsync(ClusterSnapshot snapshot, CancellationToken cancel)
    {
        var missing = snapshot.Blocks.Values.SelectMany(b => b.Loans.Select(l => l.Node).Append(b.Node)).Where(n => !snapshot.Nodes.ContainsKey(n)).ToHashSet();
        foreach (var back in _missingSince.Keys.Where(n => !missing.Contains(n)).ToList())
            _missingSince.Remove(back);
        foreach (var node in missing)
            _missingSince.TryAdd(node, context.Time.GetTimestamp());
        foreach (var block in snapshot.Blocks.Values.OrderBy(b => b.Name, StringComparer.Ordinal))
        {
            if (IsVanished(block.Node) && !block.Loans.Any(l => l.Address is not null && !IsVanished(l.Node)))
            {
                if (await CollectAsync(block, cancel))
                    context.Log($"collected block {block.Cidr} of node {block.Node}, which is gone");
            }
            else if (block.Node == context.Node && block.Loans.Any(l => IsVanished(l.Node)))
            {
                await context.Api.SetLoansAsync(block, block.Loans.Where(l => !IsVanished(l.Node)).ToEquatableArray(), cancel);
            }
        }
    }

    private async Task<bool> CollectAsync(AddressBlock block, CancellationToken cancel)
    {
        if (!block.Loans.IsEmpty)
            return await context.Api.SetLoansAsync(block, [], cancel) is { } bare && await context.Api.DeleteAsync(bare, cancel);
        return await context.Api.DeleteAsync(block, cancel);
    }

    private bool IsVanished(string node) =>
        _missingSince.TryGetValue(node, out var since) && context.Time.GetElapsedTime(since) >= context.Times.Vanished;
}
