using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Tests.Support;
using Xunit;

namespace Weft.KubeApi.Tests.Rest;

public sealed class VerbTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    [Fact]
    public async Task An_object_is_created_read_replaced_and_deleted()
    {
        await using var server = await TestServer.StartAsync();
        var (code, created) = await server.SendAsync("POST", ConfigMaps, Objects.ConfigMap("a"));
        Assert.Equal(201, code);
        Assert.NotEmpty((string)created["metadata"]!["uid"]!);

        (code, var read) = await server.SendAsync("GET", ConfigMaps + "/a");
        Assert.Equal(200, code);
        Assert.True(JsonNode.DeepEquals(created, read));

        read["data"]!["k"] = "w";
        (code, var replaced) = await server.SendAsync("PUT", ConfigMaps + "/a", read);
        Assert.Equal(200, code);
        Assert.NotEqual((string)created["metadata"]!["resourceVersion"]!, (string)replaced["metadata"]!["resourceVersion"]!);

        // The version that was read first is not the current one any more.
        (code, var conflict) = await server.SendAsync("PUT", ConfigMaps + "/a", created);
        Assert.Equal(409, code);
        Assert.Equal("Conflict", (string)conflict["reason"]!);

        (code, var status) = await server.SendAsync("DELETE", ConfigMaps + "/a");
        Assert.Equal((200, "Success"), (code, (string)status["status"]!));
        (code, status) = await server.SendAsync("GET", ConfigMaps + "/a");
        Assert.Equal((404, "NotFound", "a"), (code, (string)status["reason"]!, (string)status["details"]!["name"]!));
    }

    [Fact]
    public async Task A_write_that_changes_nothing_makes_no_version()
    {
        await using var server = await TestServer.StartAsync();
        var (_, created) = await server.SendAsync("POST", ConfigMaps, Objects.ConfigMap("a"));
        var (_, again) = await server.SendAsync("PUT", ConfigMaps + "/a", Objects.ConfigMap("a"));
        Assert.Equal((string)created["metadata"]!["resourceVersion"]!, (string)again["metadata"]!["resourceVersion"]!);
    }

    [Fact]
    public async Task Names_are_generated_from_a_prefix()
    {
        await using var server = await TestServer.StartAsync();
        var body = Objects.Parse("""{"metadata":{"generateName":"web-"}}""");
        var (_, first) = await server.SendAsync("POST", ConfigMaps, body);
        var (_, second) = await server.SendAsync("POST", ConfigMaps, body);
        Assert.Matches("^web-[a-z0-9]{5}$", (string)first["metadata"]!["name"]!);
        Assert.NotEqual((string)first["metadata"]!["name"]!, (string)second["metadata"]!["name"]!);
    }

    [Fact]
    public async Task Unknown_fields_are_refused_warned_of_or_dropped()
    {
        await using var server = await TestServer.StartAsync();
        var body = Objects.ConfigMap("a");
        body["dada"] = "x";
        var (code, status) = await server.SendAsync("POST", ConfigMaps + "?fieldValidation=Strict", body);
        Assert.Equal(400, code);
        Assert.Contains("unknown field \"dada\"", (string)status["message"]!);

        using var response = await server.Http.PostAsync(ConfigMaps, new StringContent(body.ToJsonString(), null, "application/json"));
        Assert.Contains("unknown field", response.Headers.GetValues("Warning").Single());
        var (_, stored) = await server.SendAsync("GET", ConfigMaps + "/a");
        Assert.Null(stored["dada"]);
    }

    [Fact]
    public async Task A_dry_run_stores_nothing()
    {
        await using var server = await TestServer.StartAsync();
        var (code, _) = await server.SendAsync("POST", ConfigMaps + "?dryRun=All", Objects.ConfigMap("a"));
        Assert.Equal(201, code);
        (code, _) = await server.SendAsync("GET", ConfigMaps + "/a");
        Assert.Equal(404, code);
    }

    [Fact]
    public async Task Invalid_objects_name_their_fields()
    {
        await using var server = await TestServer.StartAsync();
        var (code, status) = await server.SendAsync("POST", ConfigMaps, Objects.ConfigMap("Not_A_Name"));
        Assert.Equal((422, "Invalid"), (code, (string)status["reason"]!));
        Assert.Equal("metadata.name", (string)status["details"]!["causes"]![0]!["field"]!);
    }

    [Fact]
    public async Task Without_a_token_nobody_gets_in()
    {
        await using var server = await TestServer.StartAsync();
        server.Http.DefaultRequestHeaders.Authorization = null;
        var (code, status) = await server.SendAsync("GET", ConfigMaps);
        Assert.Equal((401, "Unauthorized"), (code, (string)status["reason"]!));
        (code, _) = await server.SendAsync("GET", "/version");
        Assert.Equal(200, code);
    }

    [Fact]
    public async Task A_missing_namespace_takes_nothing()
    {
        await using var server = await TestServer.StartAsync();
        var refused = await Assert.ThrowsAsync<ApiStatusException>(() => server.Client.CreateAsync("configmaps", "nowhere", Objects.ConfigMap("a")));
        Assert.Equal((404, "namespaces \"nowhere\" not found"), (refused.Code, refused.Message));
    }

    [Fact]
    public async Task A_list_in_chunks_is_the_list_as_it_was_when_it_began()
    {
        await using var server = await TestServer.StartAsync();
        for (var i = 0; i < 10; i++)
            await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap($"c{i}"));
        var (_, first) = await server.SendAsync("GET", ConfigMaps + "?limit=4");
        Assert.Equal(6, (int)first["metadata"]!["remainingItemCount"]!);
        await server.Client.DeleteAsync("configmaps", "default", "c7");
        await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap("c55"));

        var names = Names(first);
        var next = (string?)first["metadata"]!["continue"];
        while (next is not null)
        {
            var (_, page) = await server.SendAsync("GET", $"{ConfigMaps}?limit=4&continue={next}");
            names.AddRange(Names(page));
            next = (string?)page["metadata"]!["continue"];
        }
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"c{i}"), names);
    }

    [Fact]
    public async Task A_continue_token_older_than_the_history_is_expired_and_can_be_resumed()
    {
        await using var server = await TestServer.StartAsync(o => o with { HistoryWindow = 4 });
        for (var i = 0; i < 6; i++)
            await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap($"c{i}"));
        var (_, first) = await server.SendAsync("GET", ConfigMaps + "?limit=2");
        for (var i = 0; i < 6; i++)
            await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap($"d{i}"));
        var (code, status) = await server.SendAsync("GET", $"{ConfigMaps}?limit=2&continue={first["metadata"]!["continue"]}");
        Assert.Equal((410, "Expired"), (code, (string)status["reason"]!));
        (code, var rest) = await server.SendAsync("GET", $"{ConfigMaps}?continue={status["metadata"]!["continue"]}");
        Assert.Equal(200, code);
        Assert.Equal("c2", Names(rest)[0]);
        Assert.Equal(10, Names(rest).Count);
    }

    [Fact]
    public async Task Lists_are_selected_by_labels_and_fields()
    {
        await using var server = await TestServer.StartAsync();
        foreach (var (name, app) in new[] { ("a", "x"), ("b", "y"), ("c", "z") })
        {
            var map = Objects.ConfigMap(name);
            map["metadata"]!["labels"] = new JsonObject { ["app"] = app };
            await server.Client.CreateAsync("configmaps", "default", map);
        }
        async Task<string> Select(string query) => string.Join(',', Names((await server.SendAsync("GET", $"{ConfigMaps}?{query}")).Body));
        Assert.Equal("a", await Select("labelSelector=app%3Dx"));
        Assert.Equal("b,c", await Select("labelSelector=app!%3Dx"));
        Assert.Equal("a,b", await Select("labelSelector=app+in+(x,y)"));
        Assert.Equal("", await Select("labelSelector=!app"));
        Assert.Equal("c", await Select("fieldSelector=metadata.name%3Dc"));
        var (code, _) = await server.SendAsync("GET", $"{ConfigMaps}?fieldSelector=data.k%3Dv");
        Assert.Equal(400, code);
    }

    private static List<string> Names(JsonNode list) => list["items"]!.AsArray().Select(i => (string)i!["metadata"]!["name"]!).ToList();
}
