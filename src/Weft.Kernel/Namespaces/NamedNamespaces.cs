using Weft.Kernel.Libc;
using Weft.Primitives;

namespace Weft.Kernel.Namespaces;

/// <summary>The directory of named namespaces, prepared as iproute2 does, with which it is shared.</summary>
internal static class NamedNamespaces
{
    private static int _prepared;

    /// <summary>
    /// Makes /run/netns a shared mount of itself. Without that, a mount namespace made earlier keeps its own copy of each namespace's
    /// mount, and deleting the name would leave the namespace alive in there.
    /// </summary>
    internal static void PrepareDirectory()
    {
        if (Volatile.Read(ref _prepared) == 1 && Directory.Exists(NetNamespace.Directory))
            return;
        var operation = $"prepare {NetNamespace.Directory}";
        Directory.CreateDirectory(NetNamespace.Directory,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
            UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        // Two processes that bind at once would stack two mounts, hence the lock on the directory, which ip(8) takes too.
        using var directory = FileHandle.OpenRead(NetNamespace.Directory, operation);
        if (Native.Flock(directory.Descriptor, Native.LOCK_EX) != 0)
            throw KernelException.Last(operation);
        if (!Share())
        {
            if (Native.Mount(NetNamespace.Directory, NetNamespace.Directory, "none", Native.MS_BIND | Native.MS_REC, null) != 0)
                throw KernelException.Last(operation);
            if (!Share())
                throw KernelException.Last(operation);
        }
        Volatile.Write(ref _prepared, 1);
    }

    private static bool Share()
    {
        if (Native.Mount("", NetNamespace.Directory, "none", Native.MS_SHARED | Native.MS_REC, null) == 0)
            return true;
        var error = KernelException.Last($"share {NetNamespace.Directory}");
        // EINVAL says that the directory is not a mount point yet.
        return error.Errno == Errno.EINVAL ? false : throw error;
    }
}
