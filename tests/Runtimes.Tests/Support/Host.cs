using System.Diagnostics;
using System.Globalization;

namespace Runtimes.Tests.Support;

/// <summary>What of a program's run a test looks at.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Error)
{
    /// <exception cref="InvalidOperationException">It failed; the message has its own words.</exception>
    public string OrFail(string? what = null) =>
        ExitCode == 0 ? Output : throw new InvalidOperationException($"{what} exit status {ExitCode}: {Error}{Output}");
}

/// <summary>What the tests need of the machine that they run on.</summary>
internal static class Host
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static string Binaries => Environment.GetEnvironmentVariable("WEFT_BIN") is { Length: > 0 } given ? given : Path.Combine(Snippet.Root(), "out", "bin");

    /// <summary>Skips the running test where it cannot run.</summary>
    public static void Require(params string[] programs)
    {
        var unfit = Unfit(programs);
        Skip.If(unfit is not null, unfit);
    }

    private static string? Unfit(params string[] programs)
    {
        if (!Environment.IsPrivilegedProcess)
            return "runtimes make namespaces and mounts, which needs root";
        foreach (var program in (string[])["weft-agent", "weft-cni"])
            if (!File.Exists(Path.Combine(Binaries, program)))
                return $"needs {program} in {Binaries}: scripts/build.sh makes it";
        if (!File.Exists(BusyboxImage.Busybox))
            return "needs Debian's busybox-static";
        if (!File.Exists("/usr/lib/cni/loopback"))
            return "needs Debian's containernetworking-plugins";
        return programs.FirstOrDefault(p => !new[] { "/usr/bin", "/usr/sbin", "/bin", "/sbin" }.Any(d => File.Exists(Path.Combine(d, p)))) is { } missing
            ? $"needs Debian's {missing}" : null;
    }

    public static async Task<Outcome> FinishAsync(Process process, TimeSpan? patience = null)
    {
        using (process)
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            using var limit = new CancellationTokenSource(patience ?? Patience);
            try
            {
                await process.WaitForExitAsync(limit.Token);
                return new Outcome(process.ExitCode, await output.WaitAsync(limit.Token), await error.WaitAsync(limit.Token));
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw new TimeoutException($"{string.Join(' ', process.StartInfo.ArgumentList)} did not end");
            }
        }
    }

    public static int? FirstChild(int pid)
    {
        try
        {
            var children = File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return children.Length > 0 ? int.Parse(children[0], CultureInfo.InvariantCulture) : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or IOException)
        {
            return null;
        }
    }

    /// <summary>Removes the control groups that runtimes made under a name, in every hierarchy.</summary>
    public static void RemoveGroups(string name)
    {
        var hierarchies = Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup");
        foreach (var top in hierarchies.Select(h => Path.Combine(h, name)).Where(Directory.Exists))
        {
            foreach (var group in Directory.GetDirectories(top, "*", SearchOption.AllDirectories).OrderByDescending(d => d.Length).Append(top))
            {
                for (var tries = 0; tries < 50 && Directory.Exists(group); tries++)
                {
                    try
                    {
                        Directory.Delete(group);
                    }
                    catch (IOException)
                    {
                        // Killed processes take a moment to leave.
                        Thread.Sleep(20);
                    }
                }
            }
        }
    }
}
