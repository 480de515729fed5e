using System.Text.Json.Nodes;
using Weft.Lab.Controllers;
using Weft.Lab.Objects;

namespace Weft.Lab.Tests.Controllers;

public sealed class EndpointSliceTests
{
    private static JsonObject Service(string more = "") => Parse(
        $$"""{"metadata":{"name":"s","namespace":"default","uid":"u"},"spec":{"selector":{"app":"a"},"ports":[{"port":80,"targetPort":"http"}]{{more}} } }""");

    private static JsonObject Pod(string name, string ip, string more = "", int port = 8080) => Parse(
        $$"""
        {"metadata":{"name":"{{name}}","namespace":"default","uid":"{{name}}","labels":{"app":"a"} },
         "spec":{"nodeName":"node1","containers":[{"name":"c","ports":[{"name":"http","containerPort":{{port}} }]} ] },
         "status":{"phase":"Running","podIPs":[{"ip":"{{ip}}"}],"conditions":[{"type":"Ready","status":"True"}]}{{more}} }
        """);

    private static JsonObject Parse(string json) => (JsonObject)JsonNode.Parse(json)!;

    private static IReadOnlyList<EndpointSlices.Group> Compute(JsonObject service, params JsonObject[] pods) =>
        EndpointSlices.Compute(service, pods, _ => Parse("""{"metadata":{"labels":{"topology.kubernetes.io/zone":"z"}}}"""));

    [Fact]
    public void Named_ports_that_differ_by_pod_make_slices_of_their_own()
    {
        var groups = Compute(Service(), Pod("p1", "10.0.0.1"), Pod("p2", "10.0.0.2", port: 9090), Pod("p3", "10.0.0.3"));
        Assert.Equal(2, groups.Count);
        Assert.Equal(2, groups.Single(g => g.Ports[0].Int(0, "port") == 8080).Endpoints.Count);
        Assert.Equal("z", groups[0].Endpoints[0].Str("zone"));
    }

    [Fact]
    public void A_pod_that_ends_serves_but_is_not_ready()
    {
        var pod = Pod("p1", "10.0.0.1");
        pod["metadata"]!["deletionTimestamp"] = "2024-01-01T00:00:00Z";
        var conditions = Compute(Service(), pod)[0].Endpoints[0].Obj("conditions");
        Assert.False(conditions.Flag("ready"));
        Assert.True(conditions.Flag("serving"));
        Assert.True(conditions.Flag("terminating"));
    }

    [Fact]
    public void A_service_without_pods_has_one_empty_slice_a_family()
    {
        var groups = Compute(Service(",\"ipFamilies\":[\"IPv4\",\"IPv6\"]"));
        Assert.Equal(["IPv4", "IPv6"], groups.Select(g => g.AddressType));
        Assert.All(groups, g => Assert.Empty(g.Endpoints));
    }

    [Fact]
    public void Dual_stack_pods_appear_once_a_family()
    {
        var pod = Pod("p1", "10.0.0.1");
        ((JsonArray)pod["status"]!["podIPs"]!).Add((JsonNode)new JsonObject { ["ip"] = "fd00::1" });
        var groups = Compute(Service(",\"ipFamilies\":[\"IPv6\",\"IPv4\"]"), pod);
        Assert.Equal(["fd00::1", "10.0.0.1"], groups.Select(g => g.Endpoints[0].Strings("addresses").Single()));
    }

    [Fact]
    public void A_hundred_endpoints_fill_a_slice()
    {
        var groups = Compute(Service(), [.. Enumerable.Range(0, 201).Select(i => Pod($"p{i:000}", $"10.0.{i / 250}.{i % 250}"))]);
        Assert.Equal([100, 100, 1], groups.Select(g => g.Endpoints.Count));
    }

    [Fact]
    public async Task Slices_and_the_mirror_follow_the_pods()
    {
        await using var plane = new ControlPlane();
        await plane.StartAsync(new EndpointSliceController(plane.Api, plane.Log));
        await plane.CreateAsync("services", "default", Service().ToJsonString());
        var pod = await plane.Client.CreateAsync("pods", "default", Pod("p1", "10.0.0.1"));
        await ControlPlane.UntilAsync(() => Ready(plane).SequenceEqual(["10.0.0.1"]), () => "the endpoint is missing");
        await ControlPlane.UntilAsync(
            () => plane.Client.All("endpoints").SelectMany(e => e.Items("subsets")).SelectMany(s => s.Items("addresses")).Any(), () => "no mirror");
        await plane.SetReadyAsync(pod, ready: false, ip: "10.0.0.1");
        await ControlPlane.UntilAsync(() => !Ready(plane).Any(), () => "a pod that is not ready is still an endpoint");
        await plane.Client.DeleteAsync("services", "default", "s");
        await ControlPlane.UntilAsync(
            () => plane.Client.All("endpointslices.discovery.k8s.io").Count == 0 && plane.Client.All("endpoints").Count == 0, () => "slices outlive their Service");
    }

    private static IEnumerable<string> Ready(ControlPlane plane) => plane.Client.All("endpointslices.discovery.k8s.io")
        .SelectMany(s => s.Items("endpoints")).Where(e => e.Obj("conditions").Flag("ready")).SelectMany(e => e.Strings("addresses"));
}
