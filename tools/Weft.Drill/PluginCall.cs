using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Weft.Drill;

/// <summary>What came of one execution of the plugin.</summary>
/// <param name="Killed">The drill killed it; whatever the agent did by then, nobody was told.</param>
/// <param name="Code">The error's code; 0 for success.</param>
internal sealed record PluginResult(bool Killed, int Code, string Message, JsonObject? Output, TimeSpan Time)
{
    public bool Succeeded => !Killed && Code == 0;
}

/// <summary>Executes weft-cni as a runtime does.</summary>
internal sealed class PluginCall(string program)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    public async Task<PluginResult> RunAsync(string command, JsonObject configuration, Caller caller, double? killAfter, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Clear();
        start.Environment["CNI_COMMAND"] = command;
        start.Environment["CNI_PATH"] = Path.GetDirectoryName(program);
        if (caller.ContainerId.Length > 0)
        {
            start.Environment["CNI_CONTAINERID"] = caller.ContainerId;
            start.Environment["CNI_IFNAME"] = "eth0";
        }
        if (caller.Netns.Length > 0)
            start.Environment["CNI_NETNS"] = caller.Netns;
        if (caller.Args.Length > 0)
            start.Environment["CNI_ARGS"] = caller.Args;
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(killAfter is { } delay ? TimeSpan.FromMilliseconds(delay) : Limit);
        try
        {
            await WriteAsync(process, configuration);
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return Read(process.ExitCode, output, clock.Elapsed);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            cancel.ThrowIfCancellationRequested();
            return killAfter is not null
                ? new PluginResult(true, 0, "", null, clock.Elapsed)
                : new PluginResult(false, -1, $"no answer within {Limit.TotalSeconds:0} s", null, clock.Elapsed);
        }
    }

    private static async Task WriteAsync(Process process, JsonObject configuration)
    {
        try
        {
            await process.StandardInput.WriteAsync(configuration.ToJsonString());
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading; its exit status tells.
        }
    }

    private static PluginResult Read(int status, string output, TimeSpan time)
    {
        var json = output.Length > 0 ? JsonNode.Parse(output) as JsonObject : null;
        if (status == 0)
            return new PluginResult(false, 0, "", json, time);
        return new PluginResult(false, (int?)json?["code"] ?? -1, (string?)json?["msg"] ?? $"exit status {status} without an error object", json, time);
    }
}

/// <summary>The CNI_ variables of a call; empty where unset.</summary>
internal sealed record Caller(string ContainerId, string Netns, string Args);
