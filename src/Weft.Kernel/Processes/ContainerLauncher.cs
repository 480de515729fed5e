using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using Weft.Kernel.Libc;
using Weft.Kernel.Mounts;
using Weft.Kernel.Namespaces;
using Weft.Primitives;

namespace Weft.Kernel.Processes;

/// <summary>
/// Turns the calling process into a container's: joins its cgroup and network namespace, makes its mounts in a mount namespace of its own,
/// and executes its command. Process id and open standard streams stay.
/// </summary>
public static class ContainerLauncher
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>
    /// Never returns. Namespaces are those of the thread that calls execve(2), which ends all other threads, so any thread may call this;
    /// when it throws, the thread is left in whatever namespaces it had reached and the process should exit.
    /// </summary>
    /// <exception cref="KernelException">A step failed; the message names it. ENOENT from the last: no such command.</exception>
    [DoesNotReturn]
    public static void Exec(ContainerSpec spec)
    {
        if (spec.Command.Count == 0)
            throw new KernelException("start a container", Errno.EINVAL, "the command is empty");
        // The cgroup first: whatever is left over after a failure is then found and killed with it.
        if (spec.CgroupPath is { } cgroup)
            Join(cgroup);
        if (spec.NetNamespacePath is { } path)
            Enter(path);
        EnterMounts(spec);
        if (spec.HostName is { } name)
        {
            Mounting.Check(Native.Unshare(Native.CLONE_NEWUTS), "unshare the UTS namespace");
            Mounting.Check(Native.SetHostName(name, (nuint)Encoding.UTF8.GetByteCount(name)), $"set host name {name}");
        }
        var directory = spec.WorkingDirectory ?? "/";
        Mounting.Check(Native.Chdir(directory), $"enter working directory {directory}");
        DropUser(spec);
        ResetSignals();
        // Every descriptor that .NET opens is close-on-exec already; those inherited from whoever started us may not be.
        _ = Native.CloseRange(3, uint.MaxValue, Native.CLOSE_RANGE_CLOEXEC);
        Execute(spec);
    }

    private static void Join(string cgroup)
    {
        try
        {
            Cgroup.At(cgroup).Add(Environment.ProcessId);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KernelException($"join cgroup {cgroup}", e is IOException ? Errno.ENOENT : Errno.EACCES, e.Message);
        }
    }

    private static void Enter(string path)
    {
        using var network = NetNamespace.Open(path);
        Mounting.Check(Native.SetNs(network.Handle.Descriptor, Native.CLONE_NEWNET), $"enter network namespace {path}");
    }

    private static void EnterMounts(ContainerSpec spec)
    {
        var missing = spec.Mounts.Select(m => m.Target).Append(spec.WorkingDirectory)
            .OfType<string>().Where(p => !Path.Exists(p)).ToList();
        if (spec.Mounts.Count == 0 && missing.Count == 0)
            return;
        Mounting.UnshareAsSlave();
        // Sources are held open, so that a private root does not put its copy-on-write layer between them and what shares them.
        var sources = spec.Mounts.Select(m => (Mount: m, Handle: FileHandle.OpenPath(m.Source, $"open mount source {m.Source}"))).ToList();
        if (missing.Count > 0)
        {
            if (spec.ScratchDirectory is not { } scratch)
                throw new KernelException($"mount on {missing[0]}", Errno.ENOENT, "the target is missing and there is no scratch directory to make it in");
            PrivateRoot.Enter(scratch, missing, spec.Mounts);
        }
        foreach (var (mount, handle) in sources)
        {
            Mounting.Bind($"/proc/self/fd/{handle.Descriptor}", mount.Target, mount.ReadOnly, name: mount.Source);
            handle.Dispose();
        }
    }

    private static void DropUser(ContainerSpec spec)
    {
        if (spec.UserId is null && spec.GroupId is null)
            return;
        Mounting.Check(Native.SetGroups(0, []), "drop supplementary groups");
        if (spec.GroupId is { } group)
            Mounting.Check(Native.SetResGid(group, group, group), $"change to group {group}");
        if (spec.UserId is { } user)
            Mounting.Check(Native.SetResUid(user, user, user), $"change to user {user}");
    }

    /// <summary>An ignored signal stays ignored across execve(2), and .NET ignores SIGPIPE.</summary>
    private static unsafe void ResetSignals()
    {
        for (var number = 1; number < 32; number++)
            _ = Native.Signal(number, 0);
        Span<byte> none = stackalloc byte[128];
        none.Clear();
        fixed (byte* set = none)
            _ = Native.SigMask(Native.SIG_SETMASK, set, null);
    }

    [DoesNotReturn]
    private static unsafe void Execute(ContainerSpec spec)
    {
        var argv = Allocate(spec.Command);
        var environment = Allocate([.. spec.Environment.Select(e => $"{e.Key}={e.Value}")]);
        var command = spec.Command[0];
        var denied = false;
        foreach (var candidate in Candidates(command, spec.Environment))
        {
            _ = Native.Execve(candidate, argv, environment);
            var error = KernelException.Last($"execute {candidate}");
            // As execvp(3): look on after these, and say so in the end if permission was what was missing.
            if (error.Errno is not (Errno.ENOENT or Errno.ENOTDIR or Errno.EACCES))
                throw error;
            denied |= error.Errno == Errno.EACCES;
        }
        throw new KernelException($"execute {command}", denied ? Errno.EACCES : Errno.ENOENT,
            denied ? "the file is not executable" : "no such command");
    }

    private static IEnumerable<string> Candidates(string command, IReadOnlyDictionary<string, string> environment)
    {
        if (command.Contains('/'))
            return [command];
        var path = environment.TryGetValue("PATH", out var value) && value.Length > 0 ? value : DefaultPath;
        return path.Split(':').Select(directory => directory.Length == 0 ? command : $"{directory}/{command}");
    }

    private static unsafe byte** Allocate(IReadOnlyList<string> strings)
    {
        var array = (byte**)NativeMemory.AllocZeroed((nuint)strings.Count + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < strings.Count; i++)
            array[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
        return array;
    }
}
