using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Lab.Tests.Replay;
using Lab.Tests.Support;
using Weft.Model;

namespace Lab.Tests.Kubectl;

/// <summary>The commands that people type first, with the real kubectl against a lab with real pods.</summary>
[Collection(RoughLabCollection.Name)]
public sealed partial class KubectlTests(RoughLab lab)
{
    [SkippableFact]
    public async Task Exec_logs_and_port_forward_reach_the_pod()
    {
        lab.Require();
        Commands.RequireKubectl();
        await using var pods = new Pods(lab, "streams");
        await pods.StartAsync();
        await lab.Api.CreateAsync(Pods.Json("""
            {"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"streams","name":"talker"},
             "spec":{"nodeName":"node2","terminationGracePeriodSeconds":0,
                     "containers":[{"name":"main","image":"sample","command":["sh","-c","echo first words; exec sleep 3600"]}]}}
            """));
        var pod = await pods.OpenAsync("talker");

        var exec = await Commands.KubectlAsync(lab, "from outside", "-n", "streams", "exec", "-i", "talker", "--", "sh", "-c", "cat; hostname; exit 3");
        Assert.Equal("from outsidetalker", exec.Output.Trim());
        Assert.Equal(3, exec.ExitCode);

        await Eventually.NoneAsync(async () => (await Commands.KubectlAsync(lab, null, "-n", "streams", "logs", "talker")).OrFail() is var log
            && log.Trim() == "first words" ? null : $"the log is '{log}'");

        using var servers = new EchoServers();
        servers.Start(pod with { Addresses = [IPAddress.Loopback] }, Protocol.Tcp, 8080);
        using var forward = Process.Start(Commands.KubectlStart(lab, "-n", "streams", "port-forward", "talker", ":8080"))!;
        try
        {
            var line = await forward.StandardOutput.ReadLineAsync().WaitAsync(Eventually.Patience) ?? await forward.StandardError.ReadToEndAsync();
            var port = ForwardedPort().Match(line);
            Assert.True(port.Success, line);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, int.Parse(port.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture));
            var buffer = new byte[256];
            using var limit = new CancellationTokenSource(Eventually.Patience);
            var count = await socket.ReceiveAsync(buffer, limit.Token);
            Assert.Equal("streams/talker 127.0.0.1", System.Text.Encoding.ASCII.GetString(buffer, 0, count));
        }
        finally
        {
            forward.Kill();
        }
    }

    [SkippableFact]
    public async Task A_deployment_rolls_out_scales_and_goes_with_its_namespace()
    {
        lab.Require();
        Commands.RequireKubectl();
        await using var pods = new Pods(lab, "rollout");
        await pods.StartAsync();
        var manifest = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {namespace: rollout, name: web}
            spec:
              replicas: 2
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers: [{name: main, image: "sample:1", command: [sleep, "3600"]}]
            """;
        (await Commands.KubectlAsync(lab, manifest, "apply", "-f", "-")).OrFail();
        (await Commands.KubectlAsync(lab, null, "-n", "rollout", "rollout", "status", "deployment/web", "--timeout=50s")).OrFail();
        (await Commands.KubectlAsync(lab, null, "-n", "rollout", "scale", "deployment/web", "--replicas=4")).OrFail();
        (await Commands.KubectlAsync(lab, null, "-n", "rollout", "set", "image", "deployment/web", "main=sample:2")).OrFail();
        (await Commands.KubectlAsync(lab, null, "-n", "rollout", "rollout", "status", "deployment/web", "--timeout=50s")).OrFail();
        await Eventually.NoneAsync(async () =>
        {
            var images = (await Commands.KubectlAsync(lab, null, "-n", "rollout", "get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}")).OrFail();
            return images == "sample:2 sample:2 sample:2 sample:2" ? null : $"images are {images}";
        });
        var addresses = (await Commands.KubectlAsync(lab, null, "-n", "rollout", "get", "pods", "-o", "jsonpath={.items[*].status.podIP}")).OrFail().Split(' ');
        Assert.Equal(4, addresses.Distinct().Count());

        (await Commands.KubectlAsync(lab, null, "delete", "namespace", "rollout", "--timeout=50s")).OrFail();
        var left = await Commands.KubectlAsync(lab, null, "get", "pods,deployments,replicasets", "-A", "-o", "name");
        Assert.DoesNotContain("web", left.OrFail(), StringComparison.Ordinal);
        foreach (var agent in lab.Agents)
            await Eventually.NoneAsync(async () => await agent.MetricAsync("weft_attachments") is "0" ? null : $"{agent.Node} still has attachments");
    }

    [GeneratedRegex(@"127\.0\.0\.1:(\d+) -> 8080")]
    private static partial Regex ForwardedPort();
}
