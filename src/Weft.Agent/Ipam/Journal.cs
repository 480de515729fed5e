namespace Weft.Agent.Ipam;

/// <summary>
/// An append-only file of <see cref="JournalEntry"/> lines. A process that is killed at any instruction leaves whole lines and at most one
/// torn line at the end, which the next start cuts off. Appending puts the line into the kernel (safe against the death of this process);
/// <see cref="Sync"/> puts it on the disk (safe against the death of the machine), and is apart so that ADD can do both at once with other work.
/// Rewriting writes a new file beside the old one and renames it over: readers see one or the other.
///
/// The file begins with the boot in which it was written. What a power cut took from it (pages that never reached the disk read as zeros,
/// wherever they lie) was never synced; under another boot such damage is skipped. Within one boot nothing explains damage but at the end.
///
/// Not thread-safe but for <see cref="Sync"/>, which may run beside an append.
/// </summary>
internal sealed class Journal : IDisposable
{
    private readonly IJournalDisk _disk;
    private readonly string _name;
    private readonly Lock _syncLock = new();
    private IJournalFile _file;
    private long _length;
    private long _synced;
    private bool _broken;

    private Journal(IJournalDisk disk, string name, IJournalFile file, long length, int lines) =>
        (_disk, _name, _file, _length, Lines) = (disk, name, file, length, lines);

    /// <summary>How many lines the file has: when it is much longer than the state it describes, it wants rewriting.</summary>
    public int Lines { get; private set; }

    /// <summary>Whether a flush failed: the kernel has then dropped what it could not write, and only a rewrite makes the file whole again.</summary>
    public bool Broken => Volatile.Read(ref _broken);

    /// <summary>Opens or creates the file, cuts off a torn last line and passes each entry on, oldest first.</summary>
    /// <param name="boot">The machine's boot now; null when that cannot be told, which is taken for the same as ever.</param>
    /// <exception cref="AddressStoreException">A line within the file is damaged, which no crash of the agent explains.</exception>
    /// <exception cref="IOException">The directory cannot be written.</exception>
    public static (Journal Journal, JournalOpening Opening) Open(IJournalDisk disk, string name, string? boot, Action<JournalEntry> replay)
    {
        // What a rewrite that was killed left behind; it never became the journal.
        disk.Delete(TemporaryName(name));
        var bytes = disk.Read(name);
        var reading = new JournalReading(disk.PathOf(name), bytes ?? [], boot);
        reading.Replay(replay);
        var file = disk.Open(name, empty: false);
        try
        {
            if (reading.End < (bytes?.Length ?? 0))
                file.SetLength(reading.End);
            var journal = new Journal(disk, name, file, reading.End, reading.Lines);
            if (reading.Boot != boot && boot is not null && !reading.Rebooted)
                journal.Append(JournalEntry.OfBoot(boot));
            journal.Sync();
            disk.FlushNames();
            return (journal, new JournalOpening(reading.Rebooted, reading.SkippedBytes));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <exception cref="IOException">Nothing has been appended.</exception>
    public void Append(JournalEntry entry)
    {
        var line = entry.ToLine();
        // At an explicit offset: whatever a failed write left there is overwritten by the next one, so that it can never end up in the middle.
        _file.Write(line, _length);
        Volatile.Write(ref _length, _length + line.Length);
        Lines++;
    }

    /// <summary>Returns when all that was appended before the call is on the disk. Callers that come together share one flush.</summary>
    /// <exception cref="IOException">The disk refused; the journal is <see cref="Broken"/> from now on.</exception>
    public void Sync()
    {
        var target = Volatile.Read(ref _length);
        lock (_syncLock)
        {
            if (_broken)
                throw new IOException($"{_disk.PathOf(_name)} could not be put on the disk before");
            if (_synced >= target)
                return;
            var flushed = Volatile.Read(ref _length);
            try
            {
                _file.Flush();
            }
            catch
            {
                _broken = true;
                throw;
            }
            _synced = flushed;
        }
    }

    /// <summary>Replaces the file's content, on the disk. On failure the old file stays in use.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void Rewrite(IEnumerable<JournalEntry> entries)
    {
        var temporary = TemporaryName(_name);
        long length = 0;
        var lines = 0;
        var file = _disk.Open(temporary, empty: true);
        try
        {
            foreach (var entry in entries)
            {
                var line = entry.ToLine();
                file.Write(line, length);
                length += line.Length;
                lines++;
            }
            // Before the rename: a name must never lead to content that is not there yet (ext4, delayed allocation).
            file.Flush();
            _disk.Rename(temporary, _name);
        }
        catch
        {
            file.Dispose();
            throw;
        }
        lock (_syncLock)
        {
            _file.Dispose();
            _file = file;
            _length = length;
            Lines = lines;
            // From here the new file is the journal for everybody but a power cut, which may bring the old name back: until the directory is on
            // the disk nothing is synced.
            _broken = true;
            _disk.FlushNames();
            (_synced, _broken) = (length, false);
        }
    }

    public void Dispose() => _file.Dispose();

    private static string TemporaryName(string name) => name + ".new";
}

/// <summary>What was found when the journal was opened.</summary>
/// <param name="Rebooted">It was written in another boot: every network namespace of then is gone.</param>
/// <param name="SkippedBytes">What a power cut had taken.</param>
internal sealed record JournalOpening(bool Rebooted, long SkippedBytes);
