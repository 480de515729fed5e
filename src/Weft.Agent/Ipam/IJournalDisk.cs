namespace Weft.Agent.Ipam;

/// <summary>
/// Port from the journal to the directory it lives in. What is written is safe against the death of this process at once, and against the death
/// of the machine once flushed: content by <see cref="IJournalFile.Flush"/>, names by <see cref="FlushNames"/>.
/// </summary>
internal interface IJournalDisk
{
    /// <summary>For messages.</summary>
    string PathOf(string name);

    /// <summary>The file's content; null without such a file.</summary>
    byte[]? Read(string name);

    /// <summary>Opens for writing, and creates the file if need be.</summary>
    IJournalFile Open(string name, bool empty);

    /// <summary>Atomically takes the place of another file of that name.</summary>
    void Rename(string from, string to);

    /// <summary>Without such a file it does nothing.</summary>
    void Delete(string name);

    /// <exception cref="IOException">The disk refused.</exception>
    void FlushNames();
}

/// <summary>A file open for writing. Writes go to explicit offsets.</summary>
internal interface IJournalFile : IDisposable
{
    void Write(ReadOnlySpan<byte> bytes, long offset);

    void SetLength(long length);

    /// <exception cref="IOException">The disk refused: what was not on it before may be lost although a later flush succeeds (fsync(2), EIO).</exception>
    void Flush();
}
