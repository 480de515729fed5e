using Microsoft.Win32.SafeHandles;

namespace Weft.Agent.Ipam;

/// <summary>
/// An append-only file of <see cref="JournalEntry"/> lines. A process that is killed at any instruction leaves whole lines and at most one
/// torn line at the end, which the next start cuts off. Appending puts the line into the kernel (safe against the death of this process);
/// <see cref="Sync"/> puts it on the disk (safe against the death of the machine), and is apart so that ADD can do both at once with other work.
/// Rewriting writes a new file beside the old one and renames it over: readers see one or the other.
/// Not thread-safe but for <see cref="Sync"/>, which may run beside an append.
/// </summary>
internal sealed class Journal : IDisposable
{
    private readonly string _path;
    private readonly Lock _syncLock = new();
    private SafeFileHandle _file;
    private long _length;
    private long _synced;

    private Journal(string path, SafeFileHandle file, long length, int lines) => (_path, _file, _length, Lines) = (path, file, length, lines);

    /// <summary>How many lines the file has: when it is much longer than the state it describes, it wants rewriting.</summary>
    public int Lines { get; private set; }

    /// <summary>Opens or creates the file, cuts off a torn last line and passes each entry on, oldest first.</summary>
    /// <exception cref="AddressStoreException">A line within the file is damaged, which no crash of the agent explains.</exception>
    public static Journal Open(string path, Action<JournalEntry> replay)
    {
        // What a rewrite that was killed left behind; it never became the journal.
        File.Delete(TemporaryPath(path));
        var bytes = File.Exists(path) ? File.ReadAllBytes(path) : [];
        var (valid, lines) = Replay(path, bytes, replay);
        var file = OpenFile(path, FileMode.OpenOrCreate);
        try
        {
            if (valid < bytes.Length)
                RandomAccess.SetLength(file, valid);
            return new Journal(path, file, valid, lines);
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
        RandomAccess.Write(_file, line, _length);
        Volatile.Write(ref _length, _length + line.Length);
        Lines++;
    }

    /// <summary>Returns when all that was appended before the call is on the disk. Callers that come together share one flush.</summary>
    public void Sync()
    {
        var target = Volatile.Read(ref _length);
        lock (_syncLock)
        {
            if (_synced >= target)
                return;
            var flushed = Volatile.Read(ref _length);
            RandomAccess.FlushToDisk(_file);
            _synced = flushed;
        }
    }

    /// <summary>Replaces the file's content. On failure the old file stays in use.</summary>
    public void Rewrite(IEnumerable<JournalEntry> entries)
    {
        var temporary = TemporaryPath(_path);
        long length = 0;
        var lines = 0;
        var file = OpenFile(temporary, FileMode.Create);
        try
        {
            foreach (var entry in entries)
            {
                var line = entry.ToLine();
                RandomAccess.Write(file, line, length);
                length += line.Length;
                lines++;
            }
            // Before the rename: a name must never lead to content that is not there yet (ext4, delayed allocation).
            RandomAccess.FlushToDisk(file);
            File.Move(temporary, _path, overwrite: true);
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
            _length = _synced = length;
            Lines = lines;
        }
    }

    public void Dispose() => _file.Dispose();

    private static (long Valid, int Lines) Replay(string path, ReadOnlySpan<byte> bytes, Action<JournalEntry> replay)
    {
        long valid = 0;
        var lines = 0;
        while (bytes.Length > 0)
        {
            var end = bytes.IndexOf((byte)'\n');
            var entry = end < 0 ? null : JournalEntry.TryParse(bytes[..end]);
            if (entry is null)
            {
                if (end >= 0 && HasValidLine(bytes[(end + 1)..]))
                    throw new AddressStoreException(
                        $"line {lines + 1} of {path} is damaged, with undamaged lines after it: the file was changed by something other than the agent. " +
                        "Restore it, or drain the node, stop its pods and delete the file");
                break;
            }
            replay(entry);
            valid += end + 1;
            lines++;
            bytes = bytes[(end + 1)..];
        }
        return (valid, lines);
    }

    private static bool HasValidLine(ReadOnlySpan<byte> bytes)
    {
        for (var end = bytes.IndexOf((byte)'\n'); end >= 0; end = bytes.IndexOf((byte)'\n'))
        {
            if (JournalEntry.TryParse(bytes[..end]) is not null)
                return true;
            bytes = bytes[(end + 1)..];
        }
        return false;
    }

    private static SafeFileHandle OpenFile(string path, FileMode mode) =>
        File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite);

    private static string TemporaryPath(string path) => path + ".new";
}
