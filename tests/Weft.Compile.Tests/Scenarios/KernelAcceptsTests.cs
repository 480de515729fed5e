using System.Diagnostics;
using Weft.Scenarios;

namespace Weft.Compile.Tests.Scenarios;

/// <summary>
/// The kernel has the last word on what a table may say. Each scenario's goes into a network namespace that lives only as long as the
/// command; without root these tests are skipped.
/// </summary>
public sealed class KernelAcceptsTests
{
    [SkippableFact]
    public void Every_scenarios_table_loads_on_every_node()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "needs root to make a network namespace");
        foreach (var scenario in Scenario.LoadAll(Scenario.FindDirectory()))
        {
            foreach (var node in scenario.Cluster.Snapshot.Nodes.Keys)
            {
                var error = Load(Weft.Reconcile.Nftables.NftRenderer.Render(scenario.Cluster.Compile(node).Nft));
                Assert.True(error.Length == 0, $"{scenario.Name} on {node}: {error}");
            }
        }
    }

    [SkippableFact]
    public void A_table_that_says_nonsense_does_not_load()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "needs root to make a network namespace");
        Assert.Contains("no_such_chain", Load("table inet weft { chain c { jump no_such_chain; }; }"), StringComparison.Ordinal);
    }

    private static string Load(string text)
    {
        using var process = Process.Start(new ProcessStartInfo("unshare", ["--net", "nft", "--file", "-"])
        {
            RedirectStandardInput = true, RedirectStandardError = true,
        })!;
        process.StandardInput.Write(text);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? "" : error;
    }
}
