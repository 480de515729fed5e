namespace Weft.Kernel.Nftables;

/// <summary>
/// nftables in memory, beside the port it stands in for. It reads the text that the renderer writes, refuses what the kernel or libnftables
/// would refuse (a rule before its set, a jump before its chain, removal of what is still referred to, values of the wrong type, overlapping
/// intervals, translation outside nat chains, loops), commits a transaction whole or not at all, and can fail any one call.
/// </summary>
public sealed class FakeNftables : INftables
{
    private readonly List<string> _committed = [];
    private Dictionary<string, FakeNftTable> _tables = new(StringComparer.Ordinal);

    /// <summary>Calls of <see cref="Apply"/> and <see cref="ListTable"/> so far.</summary>
    public int Calls { get; private set; }

    /// <summary>The call, counted from 1 like <see cref="Calls"/>, that fails without effect; 0 for none.</summary>
    public int FailCall { get; set; }

    /// <summary>The text of every transaction that was committed.</summary>
    public IReadOnlyList<string> Committed => _committed;

    public NftOutcome Apply(string transaction)
    {
        if (transaction.Length == 0)
            return NftOutcome.Committed;
        if (++Calls == FailCall)
            return new NftOutcome("made to fail");
        var next = _tables.ToDictionary(pair => pair.Key, pair => pair.Value.Clone(), StringComparer.Ordinal);
        try
        {
            new FakeNftParser(transaction, next).Run();
            foreach (var table in next.Values)
                table.ValidateChains();
        }
        catch (FakeNftException e)
        {
            return new NftOutcome(e.Message);
        }
        _tables = next;
        _committed.Add(transaction);
        return NftOutcome.Committed;
    }

    public NftListing ListTable(string name)
    {
        if (++Calls == FailCall)
            return new NftListing(null, "made to fail");
        return _tables.TryGetValue(name, out var table) ? new NftListing(FakeNftJson.Write(name, table)) : NftListing.Absent;
    }

    /// <summary>All tables as text, the same for the same content.</summary>
    public string Dump() =>
        string.Concat(_tables.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"table inet {pair.Key}\n{pair.Value.Dump()}"));
}

internal sealed class FakeNftException(string message) : Exception(message);
