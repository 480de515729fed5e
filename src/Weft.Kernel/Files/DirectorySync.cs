using System.Runtime.InteropServices;
using Weft.Kernel.Libc;
using Weft.Primitives;

namespace Weft.Kernel.Files;

/// <summary>Puts a directory's entries on the disk: what was created, renamed or removed in it outlives a power cut (fsync(2), NOTES).</summary>
public static class DirectorySync
{
    /// <exception cref="KernelException">The directory cannot be opened, or the disk refused.</exception>
    public static void Flush(string directory)
    {
        var operation = $"put directory {directory} on the disk";
        using var handle = FileHandle.OpenRead(directory, operation);
        if (Native.Fsync(handle.Descriptor) == 0)
            return;
        // File systems without a disk below them know no fsync of directories (fsync(2), EINVAL).
        if ((Errno)Marshal.GetLastPInvokeError() is not Errno.EINVAL)
            throw KernelException.Last(operation);
    }
}
