using System.Diagnostics;
using Weft.Kernel.Processes;

namespace Weft.Lab.Daemon;

/// <summary>
/// Starts a command in namespaces and a cgroup: this program is started once more and turns itself into it, so that the command is a
/// child of the daemon with its streams and exit status.
/// </summary>
public static class ContainerProcess
{
    /// <summary>Exit status when the launcher could not start the command, as shells have it.</summary>
    public const int CannotStart = 127;

    /// <summary>Before the launcher's error on standard error, to tell it from the command's own words.</summary>
    public const string ErrorPrefix = "weft: cannot start container: ";

    internal static Process Start(ContainerSpec spec, string specFile, bool withInput = false)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(specFile)!);
        File.WriteAllText(specFile, spec.ToJson());
        // It may hold Secrets.
        File.SetUnixFileMode(specFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var start = new ProcessStartInfo(LabBinaries.Weft)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("lab");
        start.ArgumentList.Add("exec-container");
        start.ArgumentList.Add(specFile);
        var process = Process.Start(start) ?? throw new IOException($"{LabBinaries.Weft} cannot be started");
        if (!withInput)
            process.StandardInput.Close();
        return process;
    }
}
