using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Weft.Kernel.Libc;
using Weft.Kernel.Namespaces;

namespace Weft.Kernel.Nftables;

/// <summary>
/// nftables through libnftables, in process. nft_ctx_new opens the netlink socket in the calling thread's network namespace and the context
/// keeps it, but interface names are looked up in the namespace of whichever thread runs a command; so one thread of its own enters the
/// namespace, makes the context, and runs every command.
/// </summary>
public sealed partial class LibNftables : INftables, IDisposable
{
    // libnftables keeps interface and symbol tables in statics (iface.c, datatype.c): contexts of one process take turns.
    private static readonly Lock Library = new();

    /// <summary>Characters.</summary>
    private const int LargeTransaction = 1 << 16;

    private readonly BlockingCollection<Action> _work = [];
    private readonly string? _namespacePath;
    private readonly Thread _thread;
    private nint _context;
    private string? _openError;

    /// <param name="namespacePath">Such as /run/netns/NAME; null for the namespace of the calling thread.</param>
    public LibNftables(string? namespacePath = null)
    {
        _namespacePath = namespacePath;
        _thread = new Thread(Run, 1 << 20) { IsBackground = true, Name = "nftables" };
        _thread.Start();
    }

    public NftOutcome Apply(string transaction) =>
        transaction.Length == 0 ? NftOutcome.Committed : OnThread(() => RunTransaction(transaction), error => new NftOutcome(error));

    public NftListing ListTable(string name) => OnThread(() => List(name), error => new NftListing(null, error));

    public void Dispose()
    {
        if (_work.IsAddingCompleted)
            return;
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }

    private void Run()
    {
        _openError = Open();
        foreach (var action in _work.GetConsumingEnumerable())
            action();
        if (_context != 0)
        {
            lock (Library)
                Nft.ContextFree(_context);
        }
    }

    private string? Open()
    {
        try
        {
            if (_namespacePath is not null)
            {
                using var space = NetNamespace.Open(_namespacePath);
                if (Native.SetNs(space.Handle.Descriptor, Native.CLONE_NEWNET) != 0)
                    return $"cannot enter network namespace {_namespacePath}: {LastError()}";
            }
            lock (Library)
                _context = NewContext();
            return _context != 0 ? null : "libnftables gave no context (nft_ctx_new): out of memory, or the kernel has no nf_tables";
        }
        catch (DllNotFoundException)
        {
            return "libnftables.so.1 is not installed; on Debian: apt-get install libnftables1";
        }
        catch (KernelException e)
        {
            return e.Message;
        }
    }

    private T OnThread<T>(Func<T> function, Func<string, T> failed)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            if (_openError is not null)
            {
                done.SetResult(failed(_openError));
                return;
            }
            try
            {
                lock (Library)
                    done.SetResult(function());
            }
            catch (Exception e)
            {
                done.SetResult(failed($"libnftables: {e.Message}"));
            }
        });
        return done.Task.GetAwaiter().GetResult();
    }

    // A file and not a buffer: for a buffer of several lines libnftables reports neither the line's number nor the right text (erec.c).
    private NftOutcome RunTransaction(string transaction)
    {
        var fd = Nft.MemfdCreate("weft-nft", Nft.MemfdCloseOnExec);
        if (fd < 0)
            return new NftOutcome($"memfd_create for the nftables transaction: {LastError()}");
        using var file = new SafeFileHandle(fd, ownsHandle: true);
        RandomAccess.Write(file, Encoding.UTF8.GetBytes(transaction), 0);
        var path = $"/proc/self/fd/{fd}";
        var outcome = Nft.RunFile(_context, path) == 0 ? NftOutcome.Committed : new NftOutcome(NftErrorText.Explain(TakeError(_context), path));
        _ = TakeOutput(_context);
        if (transaction.Length > LargeTransaction)
            TrimMemory();
        return outcome;
    }

    private static nint NewContext()
    {
        var context = Nft.ContextNew(0);
        if (context == 0 || Nft.BufferOutput(context) == 0 && Nft.BufferError(context) == 0)
            return context;
        Nft.ContextFree(context);
        return 0;
    }

    // A context of its own, because one keeps every element that it has listed.
    private static NftListing List(string name)
    {
        var context = NewContext();
        if (context == 0)
            return new NftListing(null, "libnftables gave no context to list with: out of memory");
        try
        {
            Nft.SetOutputFlags(
                context, Nft.OutputJson | Nft.OutputStateless | Nft.OutputNumericProtocol | Nft.OutputNumericPriority);
            if (Nft.RunBuffer(context, "list tables inet") != 0)
                return new NftListing(null, $"list tables: {NftErrorText.Explain(TakeError(context), null)}");
            if (!HasTable(TakeOutput(context), name))
                return NftListing.Absent;
            return Nft.RunBuffer(context, $"list table inet {name}") == 0
                ? new NftListing(TakeOutput(context))
                : new NftListing(null, $"list table inet {name}: {NftErrorText.Explain(TakeError(context), null)}");
        }
        finally
        {
            Nft.ContextFree(context);
            TrimMemory();
        }
    }

    private static bool HasTable(byte[] json, string name)
    {
        using var document = JsonDocument.Parse(json);
        foreach (var item in document.RootElement.GetProperty("nftables").EnumerateArray())
        {
            if (item.TryGetProperty("table", out var table) && table.GetProperty("name").ValueEquals(name))
                return true;
        }
        return false;
    }

    // Reading a buffer also rewinds it (nft_ctx_get_output_buffer), so what is left unread shows up in the next command's text.
    private static unsafe byte[] TakeOutput(nint context)
    {
        _ = Nft.GetError(context);
        return MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)Nft.GetOutput(context)).ToArray();
    }

    private static string TakeError(nint context)
    {
        _ = Nft.GetOutput(context);
        return Marshal.PtrToStringUTF8(Nft.GetError(context)) ?? "";
    }

    // Parsing and listing thousands of elements takes some 10 MB, which glibc would keep.
    private static void TrimMemory()
    {
        try
        {
            _ = Nft.MallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc.
        }
    }

    private static string LastError() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
}
