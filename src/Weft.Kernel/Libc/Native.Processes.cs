using System.Runtime.InteropServices;

namespace Weft.Kernel.Libc;

internal static partial class Native
{
    internal const int SIG_SETMASK = 2;

    // The same on x86-64 and arm64 (asm-generic numbering from 424 on).
    internal const nint SYS_pidfd_send_signal = 424;
    internal const nint SYS_pidfd_open = 434;

    [LibraryImport(C, EntryPoint = "kill", SetLastError = true)]
    internal static partial int Kill(int pid, int signal);

    [LibraryImport(C, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint Syscall(nint number, nint a, nint b, nint c, nint d);

    [LibraryImport(C, EntryPoint = "execve", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static unsafe partial int Execve(string path, byte** argv, byte** environment);

    [LibraryImport(C, EntryPoint = "setgroups", SetLastError = true)]
    internal static partial int SetGroups(nuint count, uint[] groups);

    [LibraryImport(C, EntryPoint = "setresgid", SetLastError = true)]
    internal static partial int SetResGid(uint real, uint effective, uint saved);

    [LibraryImport(C, EntryPoint = "setresuid", SetLastError = true)]
    internal static partial int SetResUid(uint real, uint effective, uint saved);

    [LibraryImport(C, EntryPoint = "signal", SetLastError = true)]
    internal static partial nint Signal(int number, nint handler);

    [LibraryImport(C, EntryPoint = "pthread_sigmask")]
    internal static unsafe partial int SigMask(int how, byte* set, byte* old);
}
