using Microsoft.Win32.SafeHandles;
using Weft.Kernel;
using Weft.Kernel.Files;

namespace Weft.Agent.Ipam;

/// <summary><see cref="IJournalDisk"/> in a directory of the file system.</summary>
internal sealed class DirectoryJournalDisk(string directory) : IJournalDisk
{
    /// <summary>Makes the directory, mode 0700, and sees to it that it outlives a power cut.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static DirectoryJournalDisk Create(string directory)
    {
        directory = Path.GetFullPath(directory);
        // Each directory made needs its name in the parent on the disk.
        var parents = new List<string>();
        for (var path = directory; path is not null && !Directory.Exists(path); path = Path.GetDirectoryName(path))
            parents.Add(Path.GetDirectoryName(path) ?? "/");
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var parent in parents)
            Flush(parent);
        return new DirectoryJournalDisk(directory);
    }

    public string PathOf(string name) => Path.Combine(directory, name);

    public byte[]? Read(string name) => File.Exists(PathOf(name)) ? File.ReadAllBytes(PathOf(name)) : null;

    public IJournalFile Open(string name, bool empty) => new OpenFile(
        File.OpenHandle(PathOf(name), empty ? FileMode.Create : FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite));

    public void Rename(string from, string to) => File.Move(PathOf(from), PathOf(to), overwrite: true);

    public void Delete(string name) => File.Delete(PathOf(name));

    public void FlushNames() => Flush(directory);

    private static void Flush(string path)
    {
        try
        {
            DirectorySync.Flush(path);
        }
        catch (KernelException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private sealed class OpenFile(SafeFileHandle handle) : IJournalFile
    {
        public void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(handle, bytes, offset);

        public void SetLength(long length) => RandomAccess.SetLength(handle, length);

        public void Flush() => RandomAccess.FlushToDisk(handle);

        public void Dispose() => handle.Dispose();
    }
}
