using Weft.Agent.Ipam;

namespace Weft.Agent.Tests.Ipam;

/// <summary>
/// A disk whose power can be cut: what was flushed is there afterwards; of the rest each page, each length and each name may be the old or the new
/// one, as the given coin falls.
/// </summary>
internal sealed class FakeJournalDisk : IJournalDisk
{
    private const int PageBytes = 64;

    private Dictionary<string, Content> _names = new(StringComparer.Ordinal);
    private Dictionary<string, Content> _durableNames = new(StringComparer.Ordinal);

    /// <summary>The next so many flushes fail, as a dying disk's do: what was to be flushed is dropped from the list of what is not on the disk.</summary>
    public int FailFlushes { get; set; }

    public string PathOf(string name) => "/disk/" + name;

    public byte[]? Read(string name) => _names.TryGetValue(name, out var content) ? [.. content.Bytes] : null;

    public IJournalFile Open(string name, bool empty)
    {
        if (!_names.TryGetValue(name, out var content) || empty)
            _names[name] = content = new Content();
        return new File(this, content);
    }

    public void Rename(string from, string to)
    {
        if (!_names.Remove(from, out var content))
            throw new FileNotFoundException(from);
        _names[to] = content;
    }

    public void Delete(string name) => _names.Remove(name);

    public void FlushNames()
    {
        if (TakeFailure())
            throw new IOException("Input/output error");
        _durableNames = new(_names, StringComparer.Ordinal);
    }

    /// <summary>The machine dies and comes back.</summary>
    public void CutPower(Func<bool> coin)
    {
        // Names are journaled together: either all that was done since the last flush happened, or none of it.
        if (coin())
            _durableNames = new(_names, StringComparer.Ordinal);
        _names = new(_durableNames, StringComparer.Ordinal);
        foreach (var content in _names.Values.Distinct())
            content.CutPower(coin);
    }

    private bool TakeFailure()
    {
        if (FailFlushes == 0)
            return false;
        FailFlushes--;
        return true;
    }

    private sealed class Content
    {
        private byte[] _durable = [];

        public byte[] Bytes { get; set; } = [];

        public void Flush() => _durable = [.. Bytes];

        public void CutPower(Func<bool> coin)
        {
            var after = new byte[coin() ? Bytes.Length : Math.Min(_durable.Length, Bytes.Length)];
            for (var page = 0; page < after.Length; page += PageBytes)
            {
                var length = Math.Min(PageBytes, after.Length - page);
                // A page that never was on the disk reads as zeros.
                var source = coin() || IsFlushed(page, length) ? Bytes : _durable;
                for (var i = page; i < page + length && i < source.Length; i++)
                    after[i] = source[i];
            }
            (Bytes, _durable) = (after, [.. after]);
        }

        private bool IsFlushed(int page, int length) =>
            page + length <= _durable.Length && Bytes.AsSpan(page, length).SequenceEqual(_durable.AsSpan(page, length));
    }

    private sealed class File(FakeJournalDisk disk, Content content) : IJournalFile
    {
        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            if (content.Bytes.Length < offset + bytes.Length)
                SetLength(offset + bytes.Length);
            bytes.CopyTo(content.Bytes.AsSpan((int)offset));
        }

        public void SetLength(long length)
        {
            var bytes = content.Bytes;
            Array.Resize(ref bytes, (int)length);
            content.Bytes = bytes;
        }

        public void Flush()
        {
            if (disk.TakeFailure())
                throw new IOException("Input/output error");
            content.Flush();
        }

        public void Dispose()
        {
            // Nothing is open but in the test's memory.
        }
    }
}
