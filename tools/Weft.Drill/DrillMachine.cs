using System.Diagnostics;
using System.Globalization;

namespace Weft.Drill;

/// <summary>
/// The machine that a drill runs on: namespaces for network and mounts, made by unshare(1), which end with the last process in them. Whatever the
/// drill makes in there, nothing of it is left on the real one.
/// </summary>
internal static class DrillMachine
{
    public static int RunInside(DrillOptions options)
    {
        var directory = Directory.CreateTempSubdirectory("weft-drill-").FullName;
        try
        {
            var start = new ProcessStartInfo("unshare", [
                "--net", "--mount", "--propagation", "private", "--fork", "--kill-child",
                Environment.ProcessPath!, .. Self(), "--inside", directory,
                "--seed", Text(options.Seed), "--count", Text(options.Count), "--workers", Text(options.Workers)]);
            using var process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // Under `dotnet weft-drill.dll` the process is dotnet and needs to be told the program.
    private static string[] Self() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(DrillMachine).Assembly.Location] : [];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
