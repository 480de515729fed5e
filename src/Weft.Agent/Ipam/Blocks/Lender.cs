using Weft.Kubernetes.Ipam;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Store;
using Weft.Wire.Cni;

namespace Weft.Agent.Ipam.Blocks;

/// <summary>
/// The owner's side of loans. An address is on record, on the disk, before the block's object names it, and stays on record until a read of the
/// object as it is now shows that the borrower took its entry away. A watch that is late, repeats itself or jumps back can therefore make this node
/// hold an address too long, never too short; ids are used once, so an entry that is gone stays gone.
/// </summary>
internal sealed class Lender(IpamContext context, NodeBlocks blocks)
{
    private const string NetworkPrefix = "weft.dev/loan/";

    public static AttachmentKey KeyOf(string block, string loan) => new(NetworkPrefix + block, loan, "loan");

    /// <summary>The block and the id of a loan's record; null for a record that is none.</summary>
    public static (string Block, string Id)? LoanOf(AttachmentRecord record) =>
        record.Kind == HoldKind.Loan && record.Key.Network.StartsWith(NetworkPrefix, StringComparison.Ordinal)
            ? (record.Key.Network[NetworkPrefix.Length..], record.Key.ContainerId)
            : null;

    public static AttachmentRequest RequestFor(AddressBlock block, AddressLoan loan) => new(KeyOf(block.Name, loan.Id), "", 0)
    {
        Kind = HoldKind.Loan,
        Addresses = (loan.Address ?? loan.Wanted) is { } address ? [address] : [],
        Aliases = [loan.Node],
    };

    public static FamilyChoice ChoiceOf(AddressBlock block) => new(block.Cidr!.Value.IsIPv6, [block.Pool]) { Within = block.Cidr };

    /// <summary>Answers what is asked and takes back what was returned.</summary>
    /// <exception cref="BlockApiException">The API does not answer; what was not done is done at the next call.</exception>
    public async Task TendAsync(ClusterSnapshot snapshot, CancellationToken cancel)
    {
        foreach (var block in blocks.Own(snapshot))
        {
            if (block.Loans.Any(l => !l.Answered))
                await AnswerAsync(block, snapshot, cancel);
        }
        foreach (var record in context.Addresses.Attachments)
        {
            if (LoanOf(record) is not { } loan || snapshot.Blocks.TryGetValue(loan.Block, out var told) && told.Loans.Any(l => l.Id == loan.Id))
                continue;
            // The watch does not show it: it was returned, or the watch does not show it yet.
            var now = await context.Api.ReadAsync(loan.Block, cancel);
            if (now?.Loans.Any(l => l.Id == loan.Id) != true)
                context.Addresses.ReleaseUnchanged(record);
        }
    }

    private async Task AnswerAsync(AddressBlock block, ClusterSnapshot snapshot, CancellationToken cancel)
    {
        var answered = block.Loans.Select(l => l.Answered ? l : Answer(block, l, snapshot)).ToEquatableArray();
        await context.Addresses.SyncAsync();
        // When the block has changed since, the next look at it answers again, with the same addresses.
        if (await context.Api.SetLoansAsync(block, answered, cancel) is not null)
            foreach (var loan in answered.Where(a => !block.Loans.Contains(a)))
                context.Log(loan.Address is null ? $"lent nothing of {block.Cidr} to node {loan.Node}: {loan.Refused}" : $"lent {loan.Address} to node {loan.Node}");
    }

    private AddressLoan Answer(AddressBlock block, AddressLoan loan, ClusterSnapshot snapshot)
    {
        if (Refusal(block, loan, snapshot) is { } reason)
            return loan with { Refused = reason };
        try
        {
            var record = context.Addresses.Allocate(RequestFor(block, loan), [ChoiceOf(block)], []);
            return loan with { Address = record.Attachment.Addresses[0] };
        }
        catch (CniException e)
        {
            return loan with { Refused = e.Message.Length > 256 ? e.Message[..256] : e.Message };
        }
    }

    private string? Refusal(AddressBlock block, AddressLoan loan, ClusterSnapshot snapshot)
    {
        if (block.Deleting)
            return "the block is being deleted";
        if (loan.Node == context.Node)
            return "the block is the asking node's own";
        if (!context.Addresses.Ranges.Any(r => r.Cidr == block.Cidr))
            return "the block is not in use on its node";
        return snapshot.Pools.GetValueOrDefault(block.Pool) switch
        {
            null => $"there is no IPPool {block.Pool}",
            { Disabled: true } => $"IPPool {block.Pool} is disabled",
            // Fixed addresses are asked of the one node that can give them.
            { StrictAffinity: true } when loan.Wanted is null => $"IPPool {block.Pool} has strictAffinity",
            _ => null,
        };
    }
}
