using System.Runtime.InteropServices;

namespace Weft.Kernel.Libc;

internal static partial class Native
{
    internal const int CLONE_NEWNS = 0x00020000;
    internal const int CLONE_NEWUTS = 0x04000000;
    internal const int CLONE_NEWNET = 0x40000000;

    /// <summary>include/uapi/linux/nsfs.h: type of the namespace behind a descriptor.</summary>
    internal const nuint NS_GET_NSTYPE = 0xb703;

    [LibraryImport(C, EntryPoint = "setns", SetLastError = true)]
    internal static partial int SetNs(int fd, int type);

    [LibraryImport(C, EntryPoint = "unshare", SetLastError = true)]
    internal static partial int Unshare(int flags);

    [LibraryImport(C, EntryPoint = "sethostname", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int SetHostName(string name, nuint length);
}
