using System.Net;
using Weft.Kubernetes.Ipam;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Agent.Ipam.Blocks;

/// <summary>An address on loan that waits for the pod it was borrowed for.</summary>
internal sealed record Loan(string Block, string Id, IPAddress Address);

/// <summary>
/// The borrower's side of loans. Every request has an id of its own and is this process's until it is used or given back: a loan of this node that
/// nobody waits for, no pod has and that does not rest is returned, whatever agent left it. An address is used only as the answer to a request
/// that is still waited for, so that what a late watch tells of old loans leads to nothing.
/// </summary>
internal sealed class Borrower(IpamContext context)
{
    private const int MaxOwners = 4;
    private const int MaxTries = 5;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _pending = new(StringComparer.Ordinal);

    /// <summary>Borrows an address. Null when no owner lends one; the reasons are added to <paramref name="reasons"/>.</summary>
    /// <param name="wanted">The one that will do; null for any.</param>
    /// <exception cref="BlockApiException">The API does not answer.</exception>
    public async Task<Loan?> BorrowAsync(IpPool pool, IPAddress? wanted, List<string> reasons, CancellationToken cancel)
    {
        var snapshot = context.Cluster.Current;
        // Each node begins somewhere else, so that not all ask the same owner.
        var owners = snapshot.Blocks.Values
            .Where(b => b.Pool == pool.Name && b.Node != context.Node && !b.Deleting && b.Cidr is { } cidr
                && cidr.IsIPv6 == pool.Cidr!.Value.IsIPv6 && snapshot.Nodes.ContainsKey(b.Node) && (wanted is null || cidr.Contains(wanted)))
            .OrderBy(b => StableHash.Of(System.Text.Encoding.UTF8.GetBytes($"{context.Node}/{b.Name}")))
            .Take(MaxOwners);
        foreach (var block in owners)
        {
            if (await AskAsync(block.Name, wanted, reasons, cancel) is { } loan)
                return loan;
        }
        return null;
    }

    /// <summary>A loan is the journal's now, or nobody's.</summary>
    public void Settle(Loan loan)
    {
        lock (_gate)
            _pending.Remove(loan.Id);
    }

    /// <summary>Gives back what this node has on loan and no use for.</summary>
    /// <exception cref="BlockApiException">The API does not answer; what was not returned is at the next call.</exception>
    public async Task TendAsync(ClusterSnapshot snapshot, CancellationToken cancel)
    {
        foreach (var block in snapshot.Blocks.Values.OrderBy(b => b.Name, StringComparer.Ordinal))
            foreach (var loan in block.Loans)
                if (loan.Node == context.Node && !IsNeeded(loan))
                    await ReturnAsync(block.Name, loan.Id, cancel);
    }

    private bool IsNeeded(AddressLoan loan)
    {
        lock (_gate)
            if (_pending.Contains(loan.Id))
                return true;
        return loan.Address is { } address && (context.Addresses.HolderOf(address) is not null || context.Addresses.RestOf(address) > TimeSpan.Zero);
    }

    private async Task<Loan?> AskAsync(string block, IPAddress? wanted, List<string> reasons, CancellationToken cancel)
    {
        var id = Guid.NewGuid().ToString("N");
        lock (_gate)
            _pending.Add(id);
        Loan? given = null;
        try
        {
            if (!await AddAsync(block, new AddressLoan(id, context.Node, wanted), cancel))
            {
                reasons.Add($"{block}: others change it all the time");
                return null;
            }
            var answer = await AnswerAsync(block, id, cancel);
            if (answer?.Address is { } address)
                return given = new Loan(block, id, address);
            reasons.Add($"{block}: {answer?.Refused ?? $"its node did not answer within {context.Times.LoanAnswer.TotalSeconds:0} s"}");
            return null;
        }
        finally
        {
            if (given is null)
            {
                // From here on it is returned whenever it is seen, answered or not.
                lock (_gate)
                    _pending.Remove(id);
            }
        }
    }

    private async Task<bool> AddAsync(string name, AddressLoan loan, CancellationToken cancel)
    {
        for (var i = 0; i < MaxTries; i++)
        {
            if (await context.Api.ReadAsync(name, cancel) is not { Deleting: false } block)
                return false;
            if (await context.Api.SetLoansAsync(block, [.. block.Loans, loan], cancel) is not null)
                return true;
        }
        return false;
    }

    // By the watch, and by asking when that tells nothing.
    private async Task<AddressLoan?> AnswerAsync(string block, string id, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(context.Times.LoanAnswer, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            while (true)
            {
                var snapshot = context.Cluster.Current;
                if (Find(snapshot.Blocks.GetValueOrDefault(block), id) is { Answered: true } answer)
                    return answer;
                await context.Cluster.WaitForNewerAsync(snapshot.Revision, either.Token);
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return Find(await context.Api.ReadAsync(block, cancel), id) is { Answered: true } late ? late : null;
        }
    }

    private static AddressLoan? Find(AddressBlock? block, string id) => block?.Loans.FirstOrDefault(l => l.Id == id);

    private async Task ReturnAsync(string name, string id, CancellationToken cancel)
    {
        for (var i = 0; i < MaxTries; i++)
        {
            // As it is now: what the watch told may have been returned already, or used since.
            if (await context.Api.ReadAsync(name, cancel) is not { } block || Find(block, id) is not { } loan || IsNeeded(loan))
                return;
            if (await context.Api.SetLoansAsync(block, block.Loans.Where(l => l.Id != id).ToEquatableArray(), cancel) is not null)
            {
                if (loan.Address is not null)
                    context.Log($"returned {loan.Address} to node {block.Node}");
                return;
            }
        }
    }
}
