using System.Runtime.InteropServices;
using Weft.Primitives;

namespace Weft.Kernel;

/// <summary>
/// The kernel refused an operation. The message names the operation, the object and the error; <see cref="Detail"/> is what the
/// kernel said beyond the number (NLMSGERR_ATTR_MSG of an extended ack), when it said anything.
/// </summary>
public sealed class KernelException : Exception
{
    public KernelException(string operation, Errno errno, string? detail = null)
        : base($"{operation}: {errno.Describe()}{(detail is null ? "" : $": {detail}")}")
    {
        Operation = operation;
        Errno = errno;
        Detail = detail;
    }

    /// <summary>What was asked, with the object: <c>open network namespace /run/netns/a</c>.</summary>
    public string Operation { get; }

    public Errno Errno { get; }

    public string? Detail { get; }

    /// <summary>The error of the last P/Invoke of this thread that was declared with SetLastError.</summary>
    internal static KernelException Last(string operation) => new(operation, (Errno)Marshal.GetLastPInvokeError());
}
