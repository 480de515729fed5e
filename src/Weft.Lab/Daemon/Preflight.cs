using Weft.Kernel;
using Weft.Kernel.Processes;

namespace Weft.Lab.Daemon;

/// <summary>What a lab needs of the machine, said in one sentence each before anything is made.</summary>
public static class Preflight
{
    /// <exception cref="LabException">Names the first thing that is missing and what to do.</exception>
    public static void ThrowIfUnfit()
    {
        if (!Environment.IsPrivilegedProcess)
            throw new LabException("a lab makes network namespaces, which needs root: run this with sudo");
        // cgroup.kill came with 5.14; everything else a lab needs is older.
        if (Environment.OSVersion.Version < new Version(5, 14))
            throw new LabException($"Linux {Environment.OSVersion.Version} is too old: a lab needs 5.14 or newer");
        try
        {
            var group = Cgroup.Root().Child("weft-preflight");
            group.Create();
            group.Delete(TimeSpan.FromSeconds(1));
        }
        catch (KernelException e)
        {
            throw new LabException(e.Message, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"control groups cannot be made ({e.Message}): mount cgroup2 writable", e);
        }

        if (!Directory.Exists("/proc/sys/net/netfilter") && !File.Exists("/proc/net/netfilter/nf_log"))
            throw new LabException("the kernel has no netfilter: load the module nf_tables or use Debian's kernel");
        LabBinaries.ThrowIfMissing();
    }
}
