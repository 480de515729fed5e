using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Tests.Support;
using Xunit;

namespace Weft.KubeApi.Tests.Rest;

public sealed class WatchTests
{
    [Fact]
    public async Task A_watch_from_a_list_misses_nothing()
    {
        await using var server = await TestServer.StartAsync();
        await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap("before"));
        var list = await server.Client.ListAsync("configmaps", "default");
        await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap("between"));

        await using var events = server.Client.WatchAsync("configmaps", "default", list.ResourceVersion).GetAsyncEnumerator();
        Assert.Equal((WatchEventType.Added, "between"), await NextAsync(events));
        await server.Client.PatchAsync("configmaps", "default", "before", PatchKind.Merge, Objects.Parse("""{"data":{"k":"w"}}"""));
        Assert.Equal((WatchEventType.Modified, "before"), await NextAsync(events));
        await server.Client.DeleteAsync("configmaps", "default", "between");
        Assert.Equal((WatchEventType.Deleted, "between"), await NextAsync(events));
    }

    [Fact]
    public async Task Objects_enter_and_leave_a_watch_as_they_match_its_selector()
    {
        await using var server = await TestServer.StartAsync();
        var list = await server.Client.ListAsync("configmaps", "default");
        await using var events = server.Client.WatchAsync("configmaps", "default", list.ResourceVersion, "app=x").GetAsyncEnumerator();
        await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap("a"));
        await server.Client.PatchAsync("configmaps", "default", "a", PatchKind.Merge, Objects.Parse("""{"metadata":{"labels":{"app":"x"}}}"""));
        Assert.Equal((WatchEventType.Added, "a"), await NextAsync(events));
        await server.Client.PatchAsync("configmaps", "default", "a", PatchKind.Merge, Objects.Parse("""{"metadata":{"labels":null}}"""));
        Assert.Equal((WatchEventType.Deleted, "a"), await NextAsync(events));
    }

    [Fact]
    public async Task A_version_older_than_the_history_is_gone()
    {
        await using var server = await TestServer.StartAsync(o => o with { HistoryWindow = 3 });
        var list = await server.Client.ListAsync("configmaps", "default");
        for (var i = 0; i < 5; i++)
            await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap($"c{i}"));
        await using var events = server.Client.WatchAsync("configmaps", "default", list.ResourceVersion).GetAsyncEnumerator();
        var gone = await Assert.ThrowsAsync<ApiStatusException>(async () => await events.MoveNextAsync());
        Assert.Equal((410, "Expired"), (gone.Code, gone.Reason));

        // Over HTTP the same is an event in a good response, as client-go expects.
        using var reader = new StreamReader(await server.Http.GetStreamAsync(
            $"/api/v1/namespaces/default/configmaps?watch=1&resourceVersion={list.ResourceVersion}"));
        var error = JsonNode.Parse((await reader.ReadLineAsync())!)!;
        Assert.Equal(("ERROR", 410), ((string)error["type"]!, (int)error["object"]!["code"]!));
    }

    [Fact]
    public async Task A_watch_list_tells_the_state_and_when_it_is_complete()
    {
        await using var server = await TestServer.StartAsync();
        await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap("a"));
        using var reader = new StreamReader(await server.Http.GetStreamAsync(
            "/api/v1/namespaces/default/configmaps?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"));
        var added = JsonNode.Parse((await reader.ReadLineAsync())!)!;
        Assert.Equal(("ADDED", "a"), ((string)added["type"]!, (string)added["object"]!["metadata"]!["name"]!));
        var bookmark = JsonNode.Parse((await reader.ReadLineAsync())!)!;
        Assert.Equal("BOOKMARK", (string)bookmark["type"]!);
        Assert.Equal("true", (string)bookmark["object"]!["metadata"]!["annotations"]!["k8s.io/initial-events-end"]!);
    }

    [Fact]
    public async Task Bookmarks_go_on_while_nothing_happens()
    {
        await using var server = await TestServer.StartAsync(o => o with { BookmarkInterval = TimeSpan.FromMilliseconds(20) });
        var list = await server.Client.ListAsync("configmaps", "default");
        using var reader = new StreamReader(await server.Http.GetStreamAsync(
            $"/api/v1/namespaces/default/configmaps?watch=1&allowWatchBookmarks=true&resourceVersion={list.ResourceVersion}"));
        for (var i = 0; i < 3; i++)
            Assert.Equal("BOOKMARK", (string)JsonNode.Parse((await reader.ReadLineAsync())!)!["type"]!);
        // Changes elsewhere carry a bookmark on, so that a watch of a quiet kind does not fall behind the history.
        var other = await server.Client.CreateAsync("namespaces", "", Objects.Namespace("other"));
        var wanted = long.Parse((string)other["metadata"]!["resourceVersion"]!);
        long reached;
        do
            reached = long.Parse((string)JsonNode.Parse((await reader.ReadLineAsync())!)!["object"]!["metadata"]!["resourceVersion"]!);
        while (reached < wanted);
        Assert.True(reached >= wanted);
    }

    [Fact]
    public async Task A_slow_watcher_is_closed_and_blocks_nobody()
    {
        await using var server = await TestServer.StartAsync(o => o with { WatcherBuffer = 4 });
        var slow = server.Server.Store.Watch("configmaps", null, null);
        for (var i = 0; i < 6; i++)
            await server.Client.CreateAsync("configmaps", "default", Objects.ConfigMap($"c{i}"));
        var seen = 0;
        await foreach (var _ in slow.Reader.ReadAllAsync())
            seen++;
        Assert.Equal(4, seen);
    }

    private static async Task<(WatchEventType, string)> NextAsync(IAsyncEnumerator<WatchEvent> events)
    {
        Assert.True(await events.MoveNextAsync());
        return (events.Current.Type, (string)events.Current.Object["metadata"]!["name"]!);
    }
}
