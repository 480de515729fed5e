using System.Runtime.InteropServices;

namespace Weft.Reconcile.Tests.Nftables;

/// <summary>A network namespace that lives as long as a thread of this process: nothing is left behind, however the test ends.</summary>
internal sealed class PrivateNamespace : IDisposable
{
    private readonly ManualResetEventSlim _release = new();
    private readonly Thread _thread;

    private PrivateNamespace()
    {
        var ready = new TaskCompletionSource<string>();
        _thread = new Thread(() =>
        {
            if (Unshare(0x40000000) != 0)
            {
                ready.SetException(new InvalidOperationException($"unshare: {Marshal.GetLastPInvokeErrorMessage()}"));
                return;
            }
            ThreadId = GetThreadId();
            ready.SetResult($"/proc/{Environment.ProcessId}/task/{ThreadId}/ns/net");
            _release.Wait();
        })
        { IsBackground = true };
        _thread.Start();
        Path = ready.Task.GetAwaiter().GetResult();
    }

    public string Path { get; }

    /// <summary>The thread that holds it, which <c>ip link ... netns</c> takes for a process.</summary>
    public int ThreadId { get; private set; }

    /// <summary>Skips the test visibly where namespaces cannot be made.</summary>
    public static PrivateNamespace CreateOrSkip()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "needs root: makes a network namespace and loads nftables in it");
        return new PrivateNamespace();
    }

    public void Dispose()
    {
        _release.Set();
        _thread.Join();
        _release.Dispose();
    }

    [DllImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static extern int Unshare(int flags);

    [DllImport("libc", EntryPoint = "gettid")]
    private static extern int GetThreadId();
}
