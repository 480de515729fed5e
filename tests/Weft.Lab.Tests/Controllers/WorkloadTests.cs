using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.Lab.Controllers;
using Weft.Lab.Objects;

namespace Weft.Lab.Tests.Controllers;

public sealed class WorkloadTests
{
    private const string Template = """{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"x","command":["sleep"]}]}}""";

    private static string Workload(string kind, string spec) =>
        $$"""{"apiVersion":"apps/v1","kind":"{{kind}}","metadata":{"name":"w","generation":1},"spec":{"selector":{"matchLabels":{"app":"a"} },"template":{{Template}},{{spec}} } }""";

    [Fact]
    public async Task A_replica_set_makes_what_is_missing_once_and_takes_what_is_too_much()
    {
        await using var plane = new ControlPlane();
        var controller = new ReplicaSetController(plane.Api, plane.Events, plane.Log);
        await plane.StartAsync(controller);
        await plane.CreateAsync("replicasets.apps", "default", Workload("ReplicaSet", "\"replicas\":3"));
        await ControlPlane.UntilAsync(() => plane.Client.All("pods").Count == 3, () => $"{plane.Client.All("pods").Count} pods instead of 3");
        // Looking again at once must not make more, however late the watch is.
        for (int i = 0; i < 5; i++)
            await controller.ReconcileOnceAsync("default/w");
        Assert.Equal(3, plane.Client.All("pods").Count);
        var ready = plane.Client.All("pods")[1];
        await plane.SetReadyAsync(ready);
        await plane.Client.PatchAsync("pods", "default", ready.Name(), PatchKind.Merge, JsonNode.Parse("""{"spec":{"nodeName":"node1"}}""")!);
        await plane.Client.PatchAsync("replicasets.apps", "default", "w", PatchKind.Merge, JsonNode.Parse("""{"spec":{"replicas":1}}""")!);
        await ControlPlane.UntilAsync(() => plane.Client.All("pods").Count == 1, () => "too many pods");
        Assert.Equal(ready.Name(), plane.Client.All("pods")[0].Name());
        await ControlPlane.UntilAsync(
            () => plane.Client.All("replicasets.apps")[0].Int(0, "status", "readyReplicas") == 1, () => plane.Client.All("replicasets.apps")[0].ToJsonString());
    }

    [Fact]
    public async Task A_roll_out_never_has_fewer_available_or_more_pods_than_allowed()
    {
        await using var plane = new ControlPlane();
        await plane.StartAsync(new DeploymentController(plane.Api, plane.Events, plane.Log), new ReplicaSetController(plane.Api, plane.Events, plane.Log));
        const string strategy = "\"replicas\":4,\"strategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":1,\"maxUnavailable\":1}}";
        await plane.CreateAsync("deployments.apps", "default", Workload("Deployment", strategy));
        using var stop = new CancellationTokenSource();
        var kubelet = ReadyAllAsync(plane, stop.Token);
        await ControlPlane.UntilAsync(() => Available(plane) == 4, () => "the deployment never had 4 available pods");
        int least = int.MaxValue, most = 0;
        await plane.Client.PatchAsync("deployments.apps", "default", "w", PatchKind.Merge,
            JsonNode.Parse("""{"metadata":{"generation":2},"spec":{"template":{"metadata":{"labels":{"app":"a","v":"2"}}}}}""")!);
        await ControlPlane.UntilAsync(() =>
        {
            var pods = plane.Client.All("pods");
            least = Math.Min(least, pods.Count(PodTemplates.IsReady));
            // What is asked for: pods that were given up may take their time to end, and do not count against maxSurge.
            most = Math.Max(most, plane.Client.All("replicasets.apps").Sum(r => r.Int(0, "spec", "replicas")));
            return pods.Count == 4 && pods.All(p => p.Label("v") == "2" && PodTemplates.IsReady(p));
        }, () => "the roll-out did not end");
        await stop.CancelAsync();
        await kubelet;
        Assert.InRange(least, 3, 4);
        Assert.InRange(most, 4, 5);
        Assert.Equal(2, plane.Client.All("replicasets.apps").Count);
        Assert.Equal("2", plane.Client.All("deployments.apps")[0].Annotation("deployment.kubernetes.io/revision"));
    }

    [Fact]
    public async Task A_stateful_set_waits_for_each_pod_before_the_next()
    {
        await using var plane = new ControlPlane();
        await plane.StartAsync(new StatefulSetController(plane.Api, plane.Events, plane.Log));
        await plane.CreateAsync("statefulsets.apps", "default", Workload("StatefulSet", "\"replicas\":3,\"serviceName\":\"s\""));
        for (int i = 0; i < 3; i++)
        {
            await ControlPlane.UntilAsync(() => plane.Client.All("pods").Count == i + 1, () => $"pod {i} is missing");
            await Task.Delay(30);
            Assert.Equal(i + 1, plane.Client.All("pods").Count);
            var pod = plane.Client.All("pods")[i];
            Assert.Equal($"w-{i}", pod.Name());
            Assert.Equal($"w-{i}", pod.Str("spec", "hostname"));
            Assert.Equal("s", pod.Str("spec", "subdomain"));
            await plane.SetReadyAsync(pod);
        }
    }

    [Fact]
    public async Task A_job_ends_with_its_completions_and_fails_with_its_limit()
    {
        await using var plane = new ControlPlane();
        await plane.StartAsync(new JobController(plane.Api, plane.Events, plane.Log));
        string Job(string name, string spec) => $$"""{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"{{name}}"},"spec":{"template":{{Template}},{{spec}} } }""";
        await plane.CreateAsync("jobs.batch", "default", Job("good", "\"completions\":3,\"parallelism\":2,\"backoffLimit\":0"));
        await ControlPlane.UntilAsync(() => plane.Client.All("pods").Count == 2, () => "2 pods should run at a time");
        foreach (var pod in plane.Client.All("pods"))
            await plane.SetReadyAsync(pod, false, "Succeeded");
        await ControlPlane.UntilAsync(() => plane.Client.All("pods").Count == 3, () => "the third pod is missing");
        await plane.SetReadyAsync(plane.Client.All("pods").Single(p => p.Str("status", "phase") is null), false, "Succeeded");
        await ControlPlane.UntilAsync(() => Conditions.IsTrue(plane.Client.All("jobs.batch")[0], "Complete"), () => plane.Client.All("jobs.batch")[0].ToJsonString());
        Assert.Equal(3, plane.Client.All("jobs.batch")[0].Int(0, "status", "succeeded"));

        await plane.CreateAsync("jobs.batch", "bad", Job("bad", "\"completions\":1,\"parallelism\":1,\"backoffLimit\":0"));
        await ControlPlane.UntilAsync(() => plane.Client.All("pods").Any(p => p.Namespace() == "bad"), () => "no pod");
        await plane.SetReadyAsync(plane.Client.All("pods").Single(p => p.Namespace() == "bad"), false, "Failed");
        await ControlPlane.UntilAsync(() => Conditions.IsTrue(plane.Client.All("jobs.batch")[0], "Failed"), () => plane.Client.All("jobs.batch")[0].ToJsonString());
    }

    [Fact]
    public async Task A_daemon_set_serves_every_node_but_those_it_does_not_tolerate()
    {
        await using var plane = new ControlPlane();
        await plane.CreateAsync("nodes", "", """{"metadata":{"name":"node1"}}""");
        await plane.CreateAsync("nodes", "", """{"metadata":{"name":"node2"},"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}}""");
        await plane.StartAsync(new DaemonSetController(plane.Api, plane.Events, plane.Log), new Weft.Lab.Scheduling.Scheduler(plane.Api, plane.Events, plane.Log));
        await plane.CreateAsync("daemonsets.apps", "default", Workload("DaemonSet", "\"minReadySeconds\":0"));
        await plane.CreateAsync("nodes", "", """{"metadata":{"name":"node3"}}""");
        await ControlPlane.UntilAsync(
            () => plane.Client.All("pods").Select(p => p.Str("spec", "nodeName") ?? "").Order().SequenceEqual(["node1", "node3"]),
            () => string.Join(" ", plane.Client.All("pods").Select(p => p.ToJsonString())));
    }

    private static int Available(ControlPlane plane) => plane.Client.All("deployments.apps")[0].Int(0, "status", "availableReplicas");

    private static async Task ReadyAllAsync(ControlPlane plane, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            foreach (var pod in plane.Client.All("pods").Where(p => !PodTemplates.IsReady(p)))
            {
                try
                {
                    await plane.SetReadyAsync(pod);
                }
                catch (ApiStatusException e) when (e.Code == 404)
                {
                }
            }

            await Task.Delay(2, CancellationToken.None);
        }
    }
}
