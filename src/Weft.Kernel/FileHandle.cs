using Microsoft.Win32.SafeHandles;
using Weft.Kernel.Libc;
using Weft.Primitives;

namespace Weft.Kernel;

/// <summary>A file descriptor that is closed once, whoever drops it.</summary>
public sealed class FileHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    private FileHandle(int descriptor) : base(ownsHandle: true) => SetHandle(descriptor);

    /// <summary>The number, never that of a descriptor closed already, which may be another file's by now.</summary>
    /// <exception cref="ObjectDisposedException">The handle was disposed.</exception>
    internal int Descriptor => IsClosed ? throw new ObjectDisposedException(nameof(FileHandle)) : (int)handle;

    protected override bool ReleaseHandle() => Native.Close((int)handle) == 0;

    /// <exception cref="KernelException">The call that made the descriptor failed.</exception>
    internal static FileHandle Own(int descriptor, string operation) =>
        descriptor >= 0 ? new FileHandle(descriptor) : throw KernelException.Last(operation);

    /// <exception cref="KernelException">The file cannot be opened.</exception>
    internal static FileHandle OpenRead(string path, string operation)
    {
        // Not blocking: a path from outside may be a FIFO without a writer.
        return Own(Native.Open(path, Native.O_RDONLY | Native.O_CLOEXEC | Native.O_NONBLOCK, 0), operation);
    }

    /// <summary>A place in the file system, held without opening the file itself (open(2), O_PATH).</summary>
    /// <exception cref="KernelException">The path does not exist or may not be reached.</exception>
    internal static FileHandle OpenPath(string path, string operation) =>
        Own(Native.Open(path, Native.O_PATH | Native.O_CLOEXEC, 0), operation);
}
