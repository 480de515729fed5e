using Weft.Kernel.Libc;
using Weft.Primitives;

namespace Weft.Kernel.Mounts;

/// <summary>Mounts of the calling thread's mount namespace (mount(2)).</summary>
public static class Mounting
{
    /// <summary>Shows a file or directory at another place, with the mounts below it.</summary>
    /// <exception cref="KernelException">Source or target is missing (ENOENT), or one is a file and the other a directory (ENOTDIR).</exception>
    public static void Bind(string source, string target, bool readOnly = false) => Bind(source, target, readOnly, source);

    internal static void Bind(string source, string target, bool readOnly, string name)
    {
        var operation = $"bind mount {name} on {target}";
        Check(Native.Mount(source, target, "none", Native.MS_BIND | Native.MS_REC, null), operation);
        // A bind mount takes its flags from the source; only a second, remounting call can change them (mount(2), MS_REMOUNT).
        if (readOnly)
            Check(Native.Mount("none", target, "none", Native.MS_REMOUNT | Native.MS_BIND | Native.MS_RDONLY, null), $"{operation} read-only");
    }

    /// <summary>Mounts a memory file system. <paramref name="options"/> as in tmpfs(5), such as <c>mode=755,size=1m</c>.</summary>
    public static void Tmpfs(string target, string options) =>
        Check(Native.Mount("tmpfs", target, "tmpfs", Native.MS_NOSUID | Native.MS_NODEV, options), $"mount tmpfs on {target}");

    /// <summary>Detaches a mount now; the file system goes when nobody uses it any more.</summary>
    /// <returns>False when nothing is mounted there.</returns>
    public static bool Detach(string target)
    {
        if (Native.Unmount(target, Native.MNT_DETACH) == 0)
            return true;
        var error = KernelException.Last($"unmount {target}");
        return error.Errno is Errno.EINVAL or Errno.ENOENT ? false : throw error;
    }

    internal static void Overlay(string target, string lower, string upper, string work) =>
        Check(Native.Mount("overlay", target, "overlay", 0, $"lowerdir={lower},upperdir={upper},workdir={work}"),
            $"mount overlay of {lower} on {target}");

    /// <summary>
    /// Gives the calling thread its own mount namespace whose mounts follow those of the old one but not the other way round. A slave rather
    /// than private, so that unmounting a network namespace outside is seen inside and does not keep it alive.
    /// </summary>
    internal static void UnshareAsSlave()
    {
        Check(Native.Unshare(Native.CLONE_NEWNS), "unshare the mount namespace");
        Check(Native.Mount("", "/", "none", Native.MS_SLAVE | Native.MS_REC, null), "make the mount namespace a slave");
    }

    internal static void Check(int result, string operation)
    {
        if (result != 0)
            throw KernelException.Last(operation);
    }
}
