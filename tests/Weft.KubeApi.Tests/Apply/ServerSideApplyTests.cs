using System.Text.Json.Nodes;
using Weft.KubeApi.Tests.Support;
using Xunit;

namespace Weft.KubeApi.Tests.Apply;

public sealed class ServerSideApplyTests
{
    private const string Path = "/api/v1/namespaces/default/configmaps/a";

    [Fact]
    public async Task Who_applies_owns_and_who_changes_what_another_owns_conflicts()
    {
        await using var server = await TestServer.StartAsync();
        var (code, created) = await ApplyAsync(server, "one", """{"data":{"x":"1","y":"1"}}""");
        Assert.Equal(201, code);
        Assert.Equal(("one", "Apply"), (Entry(created, "one", "manager"), Entry(created, "one", "operation")));

        // Another manager's own field and an equal value are no conflict.
        (code, _) = await ApplyAsync(server, "two", """{"data":{"y":"1","z":"2"}}""");
        Assert.Equal(200, code);

        (code, var status) = await ApplyAsync(server, "two", """{"data":{"x":"2","z":"2"}}""");
        Assert.Equal((409, "Conflict"), (code, (string)status["reason"]!));
        var cause = status["details"]!["causes"]!.AsArray().Single()!;
        Assert.Equal(("FieldManagerConflict", ".data.x", "conflict with \"one\""),
            ((string)cause["reason"]!, (string)cause["field"]!, (string)cause["message"]!));

        (code, var forced) = await ApplyAsync(server, "two", """{"data":{"x":"2","z":"2"}}""", "&force=true");
        Assert.Equal((200, "2"), (code, (string)forced["data"]!["x"]!));
        Assert.Null(Fields(forced, "one")["f:data"]!["f:x"]);
        Assert.NotNull(Fields(forced, "two")["f:data"]!["f:x"]);
    }

    [Fact]
    public async Task What_is_stated_no_more_goes_unless_somebody_else_wants_it()
    {
        await using var server = await TestServer.StartAsync();
        await ApplyAsync(server, "one", """{"data":{"mine":"1","shared":"1"}}""");
        await ApplyAsync(server, "two", """{"data":{"shared":"1"}}""");
        var (_, left) = await ApplyAsync(server, "one", """{"data":{"new":"1"}}""");
        Assert.True(JsonNode.DeepEquals(Objects.Parse("""{"shared":"1","new":"1"}"""), Sorted(left["data"]!)), left["data"]!.ToJsonString());
    }

    [Fact]
    public async Task Applying_the_same_again_changes_nothing()
    {
        await using var server = await TestServer.StartAsync();
        var (_, first) = await ApplyAsync(server, "one", """{"data":{"x":"1"}}""");
        var (_, second) = await ApplyAsync(server, "one", """{"data":{"x":"1"}}""");
        Assert.Equal((string)first["metadata"]!["resourceVersion"]!, (string)second["metadata"]!["resourceVersion"]!);
    }

    [Fact]
    public async Task A_plain_write_takes_the_fields_that_it_changes()
    {
        await using var server = await TestServer.StartAsync();
        await ApplyAsync(server, "one", """{"data":{"x":"1","y":"1"}}""");
        var (_, patched) = await server.SendAsync("PATCH", Path + "?fieldManager=edit", Objects.Parse("""{"data":{"x":"2"}}"""), "application/merge-patch+json");
        Assert.Equal("Update", Entry(patched, "edit", "operation"));
        Assert.NotNull(Fields(patched, "edit")["f:data"]!["f:x"]);
        Assert.Null(Fields(patched, "one")["f:data"]!["f:x"]);
        var (code, _) = await ApplyAsync(server, "one", """{"data":{"x":"1","y":"1"}}""");
        Assert.Equal(409, code);
    }

    [Fact]
    public async Task Items_of_keyed_lists_are_owned_one_by_one()
    {
        await using var server = await TestServer.StartAsync();
        const string pods = "/api/v1/namespaces/default/pods/web";
        var pod = Objects.Pod("web", node: "n1");
        Assert.Equal(201, (await ApplyAsync(server, "one", pod.ToJsonString(), path: pods)).Code);
        var image = Objects.Parse("""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","finalizers":["example.com/two"]},
             "spec":{"containers":[{"name":"main","image":"other"}]}}
            """);
        var (code, status) = await ApplyAsync(server, "two", image.ToJsonString(), path: pods);
        Assert.Equal(409, code);
        Assert.Equal(".spec.containers[name=\"main\"].image", (string)status["details"]!["causes"]![0]!["field"]!);
        (code, var forced) = await ApplyAsync(server, "two", image.ToJsonString(), "&force=true", pods);
        Assert.Equal(200, code);
        Assert.Equal("other", (string)forced["spec"]!["containers"]!.AsArray().Single()!["image"]!);
        Assert.Equal("sleep", (string)forced["spec"]!["containers"]![0]!["command"]![0]!);
    }

    private static Task<(int Code, JsonNode Body)> ApplyAsync(TestServer server, string manager, string body, string query = "", string path = Path)
    {
        var json = Objects.Parse(body);
        json["apiVersion"] ??= "v1";
        json["kind"] ??= "ConfigMap";
        return server.SendAsync("PATCH", $"{path}?fieldManager={manager}{query}", json, "application/apply-patch+yaml");
    }

    private static JsonNode Find(JsonNode target, string manager) =>
        target["metadata"]!["managedFields"]!.AsArray().Single(e => (string)e!["manager"]! == manager)!;

    private static string Entry(JsonNode target, string manager, string field) => (string)Find(target, manager)[field]!;

    private static JsonNode Fields(JsonNode target, string manager) => Find(target, manager)["fieldsV1"]!;

    private static JsonObject Sorted(JsonNode map) =>
        new(map.AsObject().OrderByDescending(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));
}
