using Weft.Primitives;

namespace Weft.Kernel;

/// <summary>Counts the calls that reach fakes and fails chosen ones, once each. Fakes may share one, and then count together.</summary>
public sealed class FaultPlan
{
    private readonly Dictionary<int, Errno> _faults = [];

    /// <summary>Calls so far, reads and writes.</summary>
    public int Calls { get; private set; }

    /// <summary>Changes that were carried out.</summary>
    public int Writes { get; private set; }

    /// <summary>Fails a call that is still to come; the first of all is number 0.</summary>
    public void FailCall(int number, Errno errno = Errno.ENOBUFS) => _faults[number] = errno;

    /// <summary>Counts a call; the answer is how it must fail, or <see cref="Errno.None"/>.</summary>
    public Errno Next() => _faults.Remove(Calls++, out var errno) ? errno : Errno.None;

    /// <summary>Counts a call that reads.</summary>
    /// <exception cref="KernelException">It is one that must fail.</exception>
    public void Read(string operation)
    {
        var errno = Next();
        if (errno != Errno.None)
            throw new KernelException(operation, errno, "injected");
    }

    /// <summary>Counts a change that was carried out.</summary>
    public void CountWrite() => Writes++;
}
