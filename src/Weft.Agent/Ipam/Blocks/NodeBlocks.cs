using System.Net;
using Weft.Compile.Ipam;
using Weft.Kubernetes.Ipam;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Agent.Ipam.Blocks;

/// <summary>
/// The ranges of this node: its pod prefixes and its blocks, which it claims and gives up. Creating a block's object is the claim, so of many
/// nodes one gets it; giving up begins with taking the range from the address store, so that nothing is given of what others may claim.
/// </summary>
internal sealed class NodeBlocks(IpamContext context) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _claiming = new(1);

    // Claimed, and not told by the watch yet.
    private readonly Dictionary<string, AddressBlock> _claimed = new(StringComparer.Ordinal);

    // By uid: a watch that is late may still tell of them.
    private readonly HashSet<string> _gone = new(StringComparer.Ordinal);
    private readonly HashSet<string> _retiring = new(StringComparer.Ordinal);
    private (object Nodes, object Pools, object Blocks)? _followed;

    /// <summary>Why the node can give no address at all; null when it can.</summary>
    public string? Problem { get; private set; } = "the pod CIDR is not known yet";

    /// <summary>Brings the ranges of the address store in line with what the cluster says.</summary>
    public void Follow(ClusterSnapshot snapshot, bool again = false)
    {
        lock (_gate)
        {
            // By reference: most revisions change none of these.
            var seen = ((object)snapshot.Nodes, (object)snapshot.Pools, (object)snapshot.Blocks);
            if (!again && _followed == seen)
                return;
            _followed = seen;
            foreach (var (name, claimed) in _claimed.ToList())
                if (snapshot.Blocks.TryGetValue(name, out var told) && told.Uid == claimed.Uid)
                    _claimed.Remove(name);
            Problem = SetRanges(WithClaimed(snapshot));
        }
    }

    /// <summary>Blocks of this node, those claimed a moment ago among them.</summary>
    public IReadOnlyList<AddressBlock> Own(ClusterSnapshot snapshot)
    {
        lock (_gate)
            return [.. OwnOf(WithClaimed(snapshot))];
    }

    /// <summary>Claims a block, unless the choice that lacked room has found some meanwhile.</summary>
    /// <param name="with">An address that it must hold; null for any block.</param>
    /// <returns>Whether there is a new block, or room.</returns>
    /// <exception cref="BlockApiException">The API does not answer.</exception>
    public async Task<bool> ClaimAsync(IpPool pool, FamilyChoice? lacking, IPAddress? with, CancellationToken cancel)
    {
        await _claiming.WaitAsync(cancel);
        try
        {
            var snapshot = Known();
            if (lacking is not null && context.Addresses.HasRoom(lacking))
                return true;
            var candidates = with is null ? BlockCandidates.Of(pool, snapshot) : BlockCandidates.With(with, pool, snapshot) is { } one ? [one] : [];
            foreach (var cidr in candidates)
            {
                if (await ClaimAsync(cidr, pool, cancel) is not { } block)
                    continue;
                lock (_gate)
                    _claimed[block.Name] = block;
                Follow(context.Cluster.Current, again: true);
                context.Log($"claimed block {cidr} of pool {pool.Name}");
                return true;
            }
            return false;
        }
        finally
        {
            _claiming.Release();
        }
    }

    /// <summary>Takes a range away from the store unless an address of it is held or rests; then the block may be given up.</summary>
    public bool TryRetire(AddressBlock block)
    {
        lock (_gate)
            _retiring.Add(block.Name);
        Follow(context.Cluster.Current, again: true);
        if (!context.Addresses.AnyWithin(block.Cidr!.Value))
            return true;
        Unretire(block, gone: false);
        return false;
    }

    /// <summary>Ends what <see cref="TryRetire"/> began.</summary>
    public void Unretire(AddressBlock block, bool gone)
    {
        lock (_gate)
        {
            _retiring.Remove(block.Name);
            if (gone)
            {
                _gone.Add(block.Uid);
                _claimed.Remove(block.Name);
            }
        }
        Follow(context.Cluster.Current, again: true);
    }

    public void Dispose() => _claiming.Dispose();

    // Null when another node has it.
    private async Task<AddressBlock?> ClaimAsync(IpPrefix cidr, IpPool pool, CancellationToken cancel)
    {
        if (await context.Api.ClaimAsync(cidr, pool.Name, context.Node, cancel) is { } made)
            return made;
        // A claim of ours that seemed to fail may have been made after all.
        return await context.Api.ReadAsync(AddressBlock.NameOf(cidr), cancel) is { Deleting: false } there && there.Node == context.Node && there.Cidr == cidr ? there : null;
    }

    private ClusterSnapshot Known()
    {
        lock (_gate)
            return WithClaimed(context.Cluster.Current);
    }

    private ClusterSnapshot WithClaimed(ClusterSnapshot snapshot) =>
        _claimed.Count == 0 ? snapshot : snapshot with { Blocks = snapshot.Blocks.SetItems(_claimed) };

    private IEnumerable<AddressBlock> OwnOf(ClusterSnapshot snapshot) => snapshot.Blocks.Values
        .Where(b => b.Node == context.Node && b.Cidr is not null && !_gone.Contains(b.Uid)).OrderBy(b => b.Created).ThenBy(b => b.Cidr);

    private string? SetRanges(ClusterSnapshot snapshot)
    {
        var node = snapshot.Nodes.GetValueOrDefault(context.Node);
        if (node is null)
            return $"the API server has no Node {context.Node}";
        if (Overlapping(snapshot, node) is { } other)
            return $"Node {node.Name}, spec.podCIDRs: {string.Join(", ", node.PodCidrs)} overlaps with that of Node {other}; give each node a prefix of its own";
        var usable = UsableBlocks.Of(context.Config, snapshot, context.Node).ToHashSet();
        var blocks = OwnOf(snapshot).Where(b => usable.Contains(b.Cidr!.Value)).ToList();
        foreach (var block in blocks)
            Adopt(block);
        try
        {
            context.Addresses.SetRanges(
                context.Node,
                [
                    .. node.PodCidrs.Select(c => new NodeRange(c, NodeRange.OfNode, [])),
                    .. blocks.Where(b => !b.Deleting && !_retiring.Contains(b.Name)).Select(b => new NodeRange(b.Cidr!.Value, b.Pool, ReservedOf(snapshot, b))),
                ]);
        }
        catch (AddressStoreException e)
        {
            return e.Message;
        }
        return context.Addresses.Cidrs.Count > 0 ? null
            : snapshot.Pools.IsEmpty ? $"Node {context.Node} has no spec.podCIDRs" : $"Node {context.Node} has no spec.podCIDRs and no block of a pool yet";
    }

    // What is lent is on record here before anything is given of the block, also when this node's own record of it was lost.
    private void Adopt(AddressBlock block)
    {
        foreach (var loan in block.Loans)
        {
            if (loan.Address is not { } address || !block.Cidr!.Value.Contains(address) || context.Addresses.Find(Lender.KeyOf(block.Name, loan.Id)) is not null)
                continue;
            if (context.Addresses.HolderOf(address) is { } holder)
                context.Log($"IPBlock {block.Name} says that {address} is lent to node {loan.Node}, but {StoreErrors.Describe(holder)} holds it");
            else
                context.Addresses.Allocate(Lender.RequestFor(block, loan), [Lender.ChoiceOf(block)], [address]);
        }
    }

    private static EquatableArray<IpPrefix> ReservedOf(ClusterSnapshot snapshot, AddressBlock block) =>
        snapshot.Pools.GetValueOrDefault(block.Pool) is { } pool ? pool.Reserved.Where(block.Cidr!.Value.Overlaps).ToEquatableArray() : [];

    private static string? Overlapping(ClusterSnapshot snapshot, Node node) => snapshot.Nodes.Values
        .Where(n => n.Name != node.Name && n.PodCidrs.Any(theirs => node.PodCidrs.Any(mine => mine.Overlaps(theirs))))
        .Select(n => n.Name).Order(StringComparer.Ordinal).FirstOrDefault();
}
