using System.Text.Json.Nodes;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>A postStart or preStop handler (core/v1 LifecycleHandler): exec, httpGet, tcpSocket or sleep, within a limit.</summary>
internal static class LifecycleHook
{
    public static async Task<ProbeResult> RunAsync(
        JsonObject hook, Container container, NodeContext node, Sandbox sandbox, ContainerFiles files, TimeSpan limit, CancellationToken cancel)
    {
        if (hook.Num("sleep", "seconds") is { } seconds)
        {
            var sleep = TimeSpan.FromSeconds(seconds);
            await Task.Delay(sleep < limit ? sleep : limit, node.Time, cancel);
            return new ProbeResult(true, "");
        }

        var attempt = hook.Copy();
        attempt["timeoutSeconds"] = (int)Math.Max(1, limit.TotalSeconds);
        var run = container.Run!;
        var target = new ProbeTarget(node.Network, sandbox.Ips[0], container.Spec, (c, t) => ContainerExec.RunAsync(run, c, files.ExecSpecFile(), t));
        return await Probe.RunAsync(attempt, target, cancel);
    }
}
