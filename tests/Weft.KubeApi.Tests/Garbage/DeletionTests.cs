using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Tests.Support;
using Xunit;

namespace Weft.KubeApi.Tests.Garbage;

public sealed class DeletionTests
{
    [Fact]
    public async Task A_namespace_goes_with_everything_in_it_and_takes_nothing_meanwhile()
    {
        await using var server = await TestServer.StartAsync();
        await server.Client.CreateAsync("namespaces", "", Objects.Namespace("team"));
        var held = Objects.ConfigMap("held");
        held["metadata"]!["finalizers"] = new JsonArray("example.com/hold");
        await server.Client.CreateAsync("configmaps", "team", held);
        await server.Client.CreateAsync("configmaps", "team", Objects.ConfigMap("free"));

        await server.Client.DeleteAsync("namespaces", "", "team");
        await GoneAsync(server, "configmaps", "team", "free");
        var ns = await server.Client.GetAsync("namespaces", "", "team");
        Assert.Equal("Terminating", (string)ns["status"]!["phase"]!);
        var refused = await Assert.ThrowsAsync<ApiStatusException>(() => server.Client.CreateAsync("configmaps", "team", Objects.ConfigMap("late")));
        Assert.Equal(403, refused.Code);

        await server.Client.PatchAsync("configmaps", "team", "held", PatchKind.Merge, Objects.Parse("""{"metadata":{"finalizers":null}}"""));
        await GoneAsync(server, "namespaces", "", "team");
    }

    [Fact]
    public async Task Dependents_follow_their_last_owner()
    {
        await using var server = await TestServer.StartAsync();
        var one = await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap("one"));
        var two = await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap("two"));
        await server.Client.CreateAsync("configmaps", "default", Owned("child", one, two));
        await server.Client.DeleteAsync("configmaps", "default", "one");
        await UntilAsync(async () => (await server.Client.GetAsync("configmaps", "default", "child"))["metadata"]!["ownerReferences"]!.AsArray().Count == 1);
        await server.Client.DeleteAsync("configmaps", "default", "two");
        await GoneAsync(server, "configmaps", "default", "child");
    }

    [Fact]
    public async Task In_the_foreground_an_owner_waits_for_its_dependents()
    {
        await using var server = await TestServer.StartAsync();
        var owner = await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap("owner"));
        var child = Owned("child", owner);
        child["metadata"]!["finalizers"] = new JsonArray("example.com/hold");
        child["metadata"]!["ownerReferences"]![0]!["blockOwnerDeletion"] = true;
        await server.Client.CreateAsync("configmaps", "default", child);

        await server.Client.DeleteAsync("configmaps", "default", "owner", propagationPolicy: "Foreground");
        await UntilAsync(async () => (await server.Client.GetAsync("configmaps", "default", "child"))["metadata"]!["deletionTimestamp"] is not null);
        Assert.NotNull((await server.Client.GetAsync("configmaps", "default", "owner"))["metadata"]!["deletionTimestamp"]);
        await server.Client.PatchAsync("configmaps", "default", "child", PatchKind.Merge, Objects.Parse("""{"metadata":{"finalizers":null}}"""));
        await GoneAsync(server, "configmaps", "default", "owner");
    }

    [Fact]
    public async Task Orphans_stay_without_their_owner()
    {
        await using var server = await TestServer.StartAsync();
        var owner = await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap("owner"));
        await server.Client.CreateAsync("configmaps", "default", Owned("child", owner));
        await server.Client.DeleteAsync("configmaps", "default", "owner", propagationPolicy: "Orphan");
        await GoneAsync(server, "configmaps", "default", "owner");
        Assert.Null((await server.Client.GetAsync("configmaps", "default", "child"))["metadata"]!["ownerReferences"]);
    }

    [Fact]
    public async Task An_object_whose_owner_never_was_is_collected()
    {
        await using var server = await TestServer.StartAsync();
        var owner = await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap("owner"));
        await server.Client.DeleteAsync("configmaps", "default", "owner");
        await server.Client.CreateAsync("configmaps", "default", Owned("late", owner));
        await GoneAsync(server, "configmaps", "default", "late");
    }

    [Fact]
    public async Task A_pod_on_a_node_stays_until_its_node_has_ended_it()
    {
        await using var server = await TestServer.StartAsync();
        await server.Client.CreateAsync("pods", "default", Objects.Pod("web", node: "n1"));
        await server.Client.DeleteAsync("pods", "default", "web", gracePeriodSeconds: 7);
        var pod = await server.Client.GetAsync("pods", "default", "web");
        Assert.Equal(7, (int)pod["metadata"]!["deletionGracePeriodSeconds"]!);
        Assert.NotNull(pod["metadata"]!["deletionTimestamp"]);
        await server.Client.DeleteAsync("pods", "default", "web", gracePeriodSeconds: 0);
        await GoneAsync(server, "pods", "default", "web");
    }

    [Fact]
    public async Task Preconditions_guard_against_deleting_something_else()
    {
        await using var server = await TestServer.StartAsync();
        await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap("a"));
        var (code, _) = await server.SendAsync("DELETE", "/api/v1/namespaces/default/configmaps/a",
            Objects.Parse("""{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"another"}}"""));
        Assert.Equal(409, code);
    }

    private static JsonObject Owned(string name, params JsonObject[] owners)
    {
        var map = Objects.ConfigMap(name);
        map["metadata"]!["ownerReferences"] = new JsonArray(owners.Select(o => (JsonNode)new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["name"] = (string)o["metadata"]!["name"]!, ["uid"] = (string)o["metadata"]!["uid"]!,
        }).ToArray());
        return map;
    }

    private static Task GoneAsync(TestServer server, string resource, string ns, string name) => UntilAsync(async () =>
    {
        try
        {
            await server.Client.GetAsync(resource, ns, name);
            return false;
        }
        catch (ApiStatusException e) when (e.Code == 404)
        {
            return true;
        }
    });

    private static async Task UntilAsync(Func<Task<bool>> reached)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await reached())
            await Task.Delay(20, patience.Token);
    }
}
