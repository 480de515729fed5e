namespace Weft.Agent.Ipam;

/// <summary>One reading of a journal's bytes, from the first line to the last.</summary>
internal sealed class JournalReading(string path, byte[] bytes, string? boot)
{
    /// <summary>The boot that was noted last; null when the file notes none.</summary>
    public string? Boot { get; private set; }

    public bool Rebooted => Boot is not null && boot is not null && Boot != boot;

    public int Lines { get; private set; }

    /// <summary>Where the next line goes.</summary>
    public long End { get; private set; }

    public long SkippedBytes { get; private set; }

    /// <exception cref="AddressStoreException">A line is damaged in a way that nothing explains.</exception>
    public void Replay(Action<JournalEntry> replay)
    {
        var entries = Read();
        Boot = entries.LastOrDefault(e => e.Op == JournalOp.Boot)?.Boot;
        if (_damagedLine > 0 && !Rebooted)
            throw new AddressStoreException(
                $"line {_damagedLine} of {path} is damaged, with undamaged lines after it: the file was changed by something other than the agent. " +
                "Restore it, or drain the node, stop its pods and delete the file");
        foreach (var entry in entries)
            replay(entry);
    }

    private int _damagedLine;

    private List<JournalEntry> Read()
    {
        var entries = new List<JournalEntry>();
        var (position, line, damaged) = (0, 0, 0L);
        var damagedAt = 0;
        while (position < bytes.Length)
        {
            line++;
            var rest = bytes.AsSpan(position);
            var end = rest.IndexOf((byte)'\n');
            if (end < 0)
            {
                break;
            }
            // Pages that never reached the disk are zeros; the line behind them may be whole.
            var text = rest[..end];
            var zeros = text.IndexOfAnyExcept((byte)0);
            var entry = JournalEntry.TryParse(zeros > 0 ? text[zeros..] : text);
            if (entry is null || zeros > 0)
            {
                damaged += entry is null ? end + 1 : zeros;
                damagedAt = damagedAt == 0 ? line : damagedAt;
            }
            position += end + 1;
            if (entry is null)
                continue;
            if (damagedAt > 0 && _damagedLine == 0)
                _damagedLine = damagedAt;
            SkippedBytes = damaged;
            entries.Add(entry);
            (Lines, End) = (Lines + 1, position);
        }
        return entries;
    }
}
