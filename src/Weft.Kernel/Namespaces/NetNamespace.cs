using System.Buffers.Binary;
using System.Net.Sockets;
using Weft.Kernel.Libc;
using Weft.Primitives;

namespace Weft.Kernel.Namespaces;

/// <summary>
/// An open network namespace. Named ones are bind mounts under /run/netns as iproute2 makes them, so <c>ip netns</c> shows them.
/// Safe to use from any thread.
/// </summary>
public sealed class NetNamespace : IDisposable
{
    /// <summary>Where named namespaces are, the directory of iproute2.</summary>
    public const string Directory = "/run/netns";

    private readonly FileHandle _handle;

    private NetNamespace(string path, FileHandle handle)
    {
        Path = path;
        _handle = handle;
        Identity = ReadInode(handle, path);
    }

    /// <summary>The path it was opened by; it may be gone since.</summary>
    public string Path { get; }

    /// <summary>Inode number on nsfs: two handles are of the same namespace exactly when this is equal.</summary>
    public ulong Identity { get; }

    internal FileHandle Handle => _handle;

    /// <summary>The path of a named namespace, whether it exists or not.</summary>
    /// <exception cref="ArgumentException">The name is empty, too long or holds a slash.</exception>
    public static string PathOf(string name) =>
        name.Length is > 0 and < 256 && !name.Contains('/') && name is not ("." or "..")
            ? $"{Directory}/{name}"
            : throw new ArgumentException($"network namespace name '{name}' must be 1 to 255 characters without '/'", nameof(name));

    /// <summary>The namespace of this process's main thread.</summary>
    public static NetNamespace OfProcess() => Open("/proc/self/ns/net");

    /// <summary>The namespace of another process.</summary>
    /// <exception cref="KernelException">No such process, or no right to look.</exception>
    public static NetNamespace OfProcess(int pid) => Open($"/proc/{pid}/ns/net");

    /// <summary>Opens the namespace behind a path.</summary>
    /// <exception cref="KernelException">
    /// The path cannot be opened (ENOENT, EACCES), or is not a network namespace (EINVAL).
    /// </exception>
    public static NetNamespace Open(string path)
    {
        var handle = FileHandle.OpenRead(path, $"open network namespace {path}");
        if (Native.Ioctl(handle.Descriptor, Native.NS_GET_NSTYPE, 0) == Native.CLONE_NEWNET)
            return new NetNamespace(path, handle);
        handle.Dispose();
        throw new KernelException($"open network namespace {path}", Errno.EINVAL, "the path is not a network namespace");
    }

    /// <summary>Opens a namespace by the name it has under <see cref="Directory"/>.</summary>
    /// <exception cref="KernelException">It does not exist, or the file is not a namespace.</exception>
    public static NetNamespace OpenNamed(string name) => Open(PathOf(name));

    /// <summary>Whether a path is a network namespace; false also when it does not exist or cannot be opened.</summary>
    public static bool IsNetworkNamespace(string path)
    {
        var descriptor = Native.Open(path, Native.O_RDONLY | Native.O_CLOEXEC | Native.O_NONBLOCK, 0);
        if (descriptor < 0)
            return false;
        using var handle = FileHandle.Own(descriptor, path);
        return Native.Ioctl(handle.Descriptor, Native.NS_GET_NSTYPE, 0) == Native.CLONE_NEWNET;
    }

    /// <summary>Makes a new namespace with a name and opens it. Its loopback device is down, as the kernel leaves it.</summary>
    /// <exception cref="KernelException">EEXIST: the name is taken. EPERM: CAP_SYS_ADMIN is missing.</exception>
    public static NetNamespace Create(string name)
    {
        var path = PathOf(name);
        NamedNamespaces.PrepareDirectory();
        var operation = $"create network namespace {path}";
        FileHandle.Own(Native.Open(path, Native.O_RDONLY | Native.O_CREAT | Native.O_EXCL | Native.O_CLOEXEC, 0), operation).Dispose();
        try
        {
            NamespaceThread.RunAtHome(() =>
            {
                if (Native.Unshare(Native.CLONE_NEWNET) != 0)
                    throw KernelException.Last(operation);
                if (Native.Mount("/proc/thread-self/ns/net", path, "none", Native.MS_BIND, null) != 0)
                    throw KernelException.Last(operation);
            });
            return Open(path);
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }

    /// <summary>
    /// Removes the name. The namespace itself goes, with every device in it, when the last process, socket and handle has left it.
    /// </summary>
    /// <returns>False when there was no such name.</returns>
    /// <exception cref="KernelException">The mount or file cannot be removed.</exception>
    public static bool Delete(string name)
    {
        var path = PathOf(name);
        var operation = $"delete network namespace {path}";
        if (Native.Unmount(path, Native.MNT_DETACH) != 0)
        {
            var error = KernelException.Last(operation);
            // EINVAL: a file that creation left behind without its mount.
            if (error.Errno == Errno.ENOENT)
                return false;
            if (error.Errno != Errno.EINVAL)
                throw error;
        }
        File.Delete(path);
        return true;
    }

    /// <summary>The names under <see cref="Directory"/>, in ordinal order.</summary>
    public static IReadOnlyList<string> Names() =>
        System.IO.Directory.Exists(Directory)
            ? [.. System.IO.Directory.EnumerateFiles(Directory).Select(p => System.IO.Path.GetFileName(p)).Order(StringComparer.Ordinal)]
            : [];

    /// <summary>
    /// Runs a function inside the namespace on a dedicated thread and waits for it. The function must not await: what comes after an
    /// await runs on another thread, in another namespace. Descriptors opened inside stay in the namespace.
    /// </summary>
    public T Run<T>(Func<T> work)
    {
        T? result = default;
        NamespaceThread.Run(_handle, () => result = work());
        return result!;
    }

    /// <inheritdoc cref="Run{T}"/>
    public void Run(Action work) => NamespaceThread.Run(_handle, work);

    /// <summary>
    /// Makes a socket that lives in the namespace; bind, connect, listen and accept then work from any thread. Connect it once only, to an
    /// address: after a failed connect .NET replaces the descriptor by one of the calling thread's namespace.
    /// </summary>
    /// <exception cref="SocketException">The kernel refused the socket.</exception>
    public Socket Socket(AddressFamily family, SocketType type, ProtocolType protocol) =>
        Run(() => new Socket(family, type, protocol));

    public void Dispose() => _handle.Dispose();

    public override string ToString() => $"{Path} (net:[{Identity}])";

    private static unsafe ulong ReadInode(FileHandle handle, string path)
    {
        const int atEmptyPath = 0x1000;
        const uint statxIno = 0x100;
        Span<byte> statx = stackalloc byte[256];
        fixed (byte* p = statx)
        {
            if (Native.Statx(handle.Descriptor, "", atEmptyPath, statxIno, p) != 0)
                throw KernelException.Last($"stat network namespace {path}");
        }
        return BinaryPrimitives.ReadUInt64LittleEndian(statx[32..]);
    }
}
