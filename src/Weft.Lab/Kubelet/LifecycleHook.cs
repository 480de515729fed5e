using System.Text.Json.Nodes;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>A preStop handler (core/v1 LifecycleHandler): exec, httpGet, tcpSocket or sleep, within the pod's grace.</summary>
internal static class LifecycleHook
{
    public static async Task RunAsync(
        JsonObject hook, Container container, NodeContext node, Sandbox sandbox, ContainerFiles files, TimeSpan limit, CancellationToken cancel)
    {
        if (hook.Num("sleep", "seconds") is { } seconds)
        {
            var sleep = TimeSpan.FromSeconds(seconds);
            await Task.Delay(sleep < limit ? sleep : limit, node.Time, cancel);
            return;
        }

        var attempt = hook.Copy();
        attempt["timeoutSeconds"] = (int)Math.Max(1, limit.TotalSeconds);
        var run = container.Run!;
        var target = new ProbeTarget(node.Network, sandbox.Ips[0], container.Spec, (c, t) => ContainerExec.RunAsync(run, c, files.ExecSpecFile(), t));
        await Probe.RunAsync(attempt, target, cancel);
    }
}
