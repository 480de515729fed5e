namespace Weft.Kernel.Conntrack;

/// <summary>A connection table in memory.</summary>
public sealed class FakeConntrack(FaultPlan? faults = null) : IConntrack
{
    private readonly FaultPlan _faults = faults ?? new FaultPlan();

    public List<ConntrackEntry> Entries { get; } = [];

    public IReadOnlyList<ConntrackEntry> List()
    {
        _faults.Read("list tracked connections");
        return [.. Entries];
    }

    public int Delete(Func<ConntrackEntry, bool> which)
    {
        _faults.Read("delete tracked connections");
        var count = Entries.RemoveAll(e => which(e));
        if (count > 0)
            _faults.CountWrite();
        return count;
    }

    public void Dispose()
    {
    }
}
