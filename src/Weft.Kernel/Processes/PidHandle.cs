using Weft.Kernel.Libc;
using Weft.Primitives;

namespace Weft.Kernel.Processes;

/// <summary>
/// A process held by pidfd (pidfd_open(2), Linux 5.3), so that a signal never reaches another process that got the same number.
/// </summary>
public sealed class PidHandle : IDisposable
{
    private readonly FileHandle _handle;

    private PidHandle(int pid, FileHandle handle) => (Pid, _handle) = (pid, handle);

    public int Pid { get; }

    /// <returns>Null when no such process exists.</returns>
    /// <exception cref="KernelException">Any other failure.</exception>
    public static PidHandle? TryOpen(int pid)
    {
        var descriptor = (int)Native.Syscall(Native.SYS_pidfd_open, pid, 0, 0, 0);
        if (descriptor >= 0)
            return new PidHandle(pid, FileHandle.Own(descriptor, "pidfd_open"));
        var error = KernelException.Last($"open process {pid}");
        return error.Errno is Errno.ESRCH or Errno.EINVAL ? null : throw error;
    }

    /// <summary>Sends a signal.</summary>
    /// <returns>False when the process has ended and was reaped.</returns>
    /// <exception cref="KernelException">Any other failure, such as EPERM.</exception>
    public bool Send(Signal signal)
    {
        if (Native.Syscall(Native.SYS_pidfd_send_signal, _handle.Descriptor, (int)signal, 0, 0) == 0)
            return true;
        var error = KernelException.Last($"send signal {signal} to process {Pid}");
        return error.Errno == Errno.ESRCH ? false : throw error;
    }

    /// <summary>Waits until the process has ended; it need not be a child of ours.</summary>
    /// <returns>False when it still runs after the timeout.</returns>
    public unsafe bool WaitForExit(TimeSpan timeout)
    {
        var poll = new Native.PollFd { Fd = _handle.Descriptor, Events = Native.POLLIN };
        var ready = Native.Poll(&poll, 1, (int)Math.Min(timeout.TotalMilliseconds, int.MaxValue));
        return ready > 0;
    }

    public void Dispose() => _handle.Dispose();
}
