using System.Diagnostics;
using Weft.Drill;

namespace Drill.Tests;

/// <summary>A short drill with the real agent and plugin; <c>make drill</c> runs the long one.</summary>
public sealed class DrillTests
{
    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Nothing_leaks_and_nothing_is_held_twice(int seed)
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "needs root: it makes network namespaces");
        var start = new ProcessStartInfo("dotnet", [typeof(DrillMachine).Assembly.Location, "--seed", $"{seed}", "--count", "250"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == 0, $"exit status {process.ExitCode}\n{output}\n{await errors}");
        Assert.Contains("nothing leaked and nothing was held twice", output, StringComparison.Ordinal);
        // It would prove nothing had nobody been killed.
        Assert.DoesNotContain("agent killed 0 times", output, StringComparison.Ordinal);
        Assert.Contains("ADD killed", output, StringComparison.Ordinal);
    }
}
