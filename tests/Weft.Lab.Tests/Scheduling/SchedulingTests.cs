using System.Text.Json.Nodes;
using Weft.Lab.Objects;
using Weft.Lab.Scheduling;

namespace Weft.Lab.Tests.Scheduling;

public sealed class SchedulingTests
{
    private static JsonObject Parse(string json) => (JsonObject)JsonNode.Parse(json)!;

    private static JsonObject Node(string name = "n", string spec = "{}", string labels = "{}", string allocatable = """{"cpu":"2","memory":"1Gi","pods":"3"}""") => Parse(
        $$"""{"metadata":{"name":"{{name}}","labels":{{labels}} },"spec":{{spec}},"status":{"allocatable":{{allocatable}} } }""");

    private static JsonObject Pod(string spec) => Parse($$"""{"metadata":{"name":"p","namespace":"default"},"spec":{{spec}} }""");

    [Theory]
    [InlineData("{}", "{}", null)]
    [InlineData("{\"unschedulable\":true}", "{}", "unschedulable")]
    [InlineData("{\"taints\":[{\"key\":\"k\",\"value\":\"v\",\"effect\":\"NoSchedule\"}]}", "{}", "untolerated taint {k: v}")]
    [InlineData("{\"taints\":[{\"key\":\"k\",\"value\":\"v\",\"effect\":\"PreferNoSchedule\"}]}", "{}", null)]
    [InlineData("{\"taints\":[{\"key\":\"k\",\"value\":\"v\",\"effect\":\"NoSchedule\"}]}", "{\"tolerations\":[{\"key\":\"k\",\"operator\":\"Equal\",\"value\":\"v\"}]}", null)]
    [InlineData("{\"taints\":[{\"key\":\"k\",\"value\":\"v\",\"effect\":\"NoSchedule\"}]}", "{\"tolerations\":[{\"key\":\"k\",\"value\":\"w\"}]}", "untolerated")]
    [InlineData("{\"taints\":[{\"key\":\"k\",\"value\":\"v\",\"effect\":\"NoExecute\"}]}", "{\"tolerations\":[{\"operator\":\"Exists\"}]}", null)]
    [InlineData("{\"taints\":[{\"key\":\"k\",\"effect\":\"NoExecute\"}]}", "{\"tolerations\":[{\"key\":\"k\",\"operator\":\"Exists\",\"effect\":\"NoSchedule\"}]}", "untolerated")]
    public void Taints_and_tolerations(string nodeSpec, string podSpec, string? refusal)
    {
        string? why = NodeFilter.Refusal(Pod(podSpec), Node(spec: nodeSpec), []);
        if (refusal is null)
            Assert.Null(why);
        else
            Assert.Contains(refusal, why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"nodeSelector\":{\"disk\":\"ssd\"}}", true)]
    [InlineData("{\"nodeSelector\":{\"disk\":\"hdd\"}}", false)]
    [InlineData("{\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"disk\",\"operator\":\"In\",\"values\":[\"ssd\"]}]}]}}}}", true)]
    [InlineData("{\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"disk\",\"operator\":\"NotIn\",\"values\":[\"ssd\"]}]},{\"matchFields\":[{\"key\":\"metadata.name\",\"operator\":\"In\",\"values\":[\"n\"]}]}]}}}}", true)]
    [InlineData("{\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{}]}}}}", false)]
    [InlineData("{\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"cores\",\"operator\":\"Gt\",\"values\":[\"3\"]}]}]}}}}", true)]
    public void Selectors_and_affinity(string podSpec, bool fits) =>
        Assert.Equal(fits, NodeFilter.SelectsNode(Pod(podSpec), Node(labels: "{\"disk\":\"ssd\",\"cores\":\"4\"}")));

    [Fact]
    public void Requests_are_counted_against_what_the_node_has()
    {
        var half = Pod("""{"containers":[{"resources":{"requests":{"cpu":"1100m"}}}]}""");
        Assert.Null(NodeFilter.Refusal(half, Node(), []));
        Assert.Equal("Insufficient cpu", NodeFilter.Refusal(half, Node(), [half]));
        var plain = Pod("{}");
        Assert.Null(NodeFilter.Refusal(plain, Node(), [plain, plain]));
        Assert.Equal("Too many pods", NodeFilter.Refusal(plain, Node(), [plain, plain, plain]));
    }

    [Fact]
    public void Host_ports_are_taken_once_a_node()
    {
        var pod = Pod("""{"containers":[{"ports":[{"containerPort":80,"hostPort":8080}]}]}""");
        Assert.Null(NodeFilter.Refusal(pod, Node(), []));
        Assert.Contains("free ports", NodeFilter.Refusal(pod, Node(), [pod]), StringComparison.Ordinal);
        var here = Pod("""{"containers":[{"ports":[{"containerPort":80,"hostPort":8080,"hostIP":"172.30.0.11"}]}]}""");
        var there = Pod("""{"containers":[{"ports":[{"containerPort":80,"hostPort":8080,"hostIP":"127.0.0.1"}]}]}""");
        Assert.Contains("free ports", NodeFilter.Refusal(here, Node(), [pod]), StringComparison.Ordinal);
        Assert.Contains("free ports", NodeFilter.Refusal(here, Node(), [here]), StringComparison.Ordinal);
        Assert.Null(NodeFilter.Refusal(here, Node(), [there]));
    }

    [Fact]
    public async Task Pods_of_one_owner_spread_and_those_that_fit_nowhere_say_why()
    {
        await using var plane = new ControlPlane();
        foreach (string name in new[] { "node1", "node2", "node3" })
            await plane.CreateAsync("nodes", "", Node(name, allocatable: "{}").ToJsonString());
        await plane.StartAsync(new Scheduler(plane.Api, plane.Events, plane.Log));
        for (int i = 0; i < 9; i++)
        {
            await plane.CreateAsync("pods", "default",
                $$"""{"metadata":{"name":"p{{i}}","ownerReferences":[{"controller":true,"kind":"ReplicaSet","name":"w","uid":"w"}]},"spec":{ } }""");
        }

        await plane.CreateAsync("pods", "default", """{"metadata":{"name":"stuck"},"spec":{"nodeSelector":{"a":"b"}}}""");
        await ControlPlane.UntilAsync(
            () => plane.Client.All("pods").Where(p => p.Name() != "stuck").GroupBy(p => p.Str("spec", "nodeName")).All(g => g.Key is not null && g.Count() == 3),
            () => string.Join(", ", plane.Client.All("pods").Select(p => p.Str("spec", "nodeName"))));
        await ControlPlane.UntilAsync(
            () => Conditions.Find(plane.Client.All("pods").Single(p => p.Name() == "stuck"), "PodScheduled").Str("message") is { } m && m.StartsWith("0/3 nodes", StringComparison.Ordinal),
            () => "no PodScheduled condition");
        await plane.Client.PatchAsync("nodes", "", "node2", KubeApi.Client.PatchKind.Merge, Parse("""{"metadata":{"labels":{"a":"b"}}}"""));
        await ControlPlane.UntilAsync(() => plane.Client.All("pods").Single(p => p.Name() == "stuck").Str("spec", "nodeName") == "node2", () => "it stays stuck");
    }
}
