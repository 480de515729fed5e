using System.Runtime.ExceptionServices;
using Weft.Kernel.Libc;

namespace Weft.Kernel.Namespaces;

/// <summary>
/// A dedicated thread that enters a network namespace (setns(2) is per thread), does one piece of work and returns to the process's own
/// namespace, so that an idle thread never keeps a deleted namespace alive. Idle threads are reused: handing work to one costs some
/// 10 µs, starting one some 100 µs.
/// </summary>
internal sealed class NamespaceThread
{
    private const int MaxIdle = 8;
    private static readonly Stack<NamespaceThread> Idle = new();
    private static readonly Lazy<FileHandle> Home = new(() => FileHandle.OpenRead("/proc/self/ns/net", "open the process's own network namespace"));

    private readonly SemaphoreSlim _start = new(0);
    private readonly SemaphoreSlim _done = new(0);
    private FileHandle? _namespace;
    private Action? _work;
    private ExceptionDispatchInfo? _error;
    private bool _broken;

    private NamespaceThread() =>
        new Thread(Loop) { IsBackground = true, Name = "netns" }.Start();

    /// <summary>Runs work inside a namespace and waits for it; what the work throws is thrown here.</summary>
    internal static void Run(FileHandle target, Action work)
    {
        var thread = Take();
        thread._namespace = target;
        thread._work = work;
        thread._start.Release();
        thread._done.Wait();
        var error = thread._error;
        thread._error = null;
        thread._work = null;
        thread._namespace = null;
        if (!thread._broken)
            Return(thread);
        error?.Throw();
    }

    private static NamespaceThread Take()
    {
        lock (Idle)
        {
            if (Idle.TryPop(out var thread))
                return thread;
        }
        return new NamespaceThread();
    }

    private static void Return(NamespaceThread thread)
    {
        lock (Idle)
        {
            if (Idle.Count < MaxIdle)
            {
                Idle.Push(thread);
                return;
            }
        }
        thread._broken = true;
        thread._start.Release();
    }

    private void Loop()
    {
        while (true)
        {
            _start.Wait();
            if (_broken)
                return;
            try
            {
                Enter(_namespace!, "enter the network namespace");
                _work!();
            }
            catch (Exception e)
            {
                _error = ExceptionDispatchInfo.Capture(e);
            }
            // A thread that cannot go home must not be used again.
            _broken = Native.SetNs(Home.Value.Descriptor, Native.CLONE_NEWNET) != 0;
            _done.Release();
            if (_broken)
                return;
        }
    }

    private static void Enter(FileHandle target, string operation)
    {
        var held = false;
        try
        {
            target.DangerousAddRef(ref held);
            if (Native.SetNs(target.Descriptor, Native.CLONE_NEWNET) != 0)
                throw KernelException.Last(operation);
        }
        finally
        {
            if (held)
                target.DangerousRelease();
        }
    }

    /// <summary>Runs work on a namespace thread that starts in the process's own namespace; the work may unshare.</summary>
    internal static void RunAtHome(Action work) => Run(Home.Value, work);
}
