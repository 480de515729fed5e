using System.Text.Json.Nodes;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Tests.Informers;

public sealed class InformerTests
{
    [Fact]
    public async Task It_holds_what_the_api_holds_and_tells_of_each_change()
    {
        var client = new FakeApiClient();
        var body = (JsonObject)JsonNode.Parse("""{"metadata":{"name":"a"}}""")!;
        await client.CreateAsync("pods", "one", body);
        var informer = new Informer(client, "pods", TimeProvider.System);
        var seen = new List<string>();
        informer.Changed += (old, now) =>
        {
            lock (seen)
                seen.Add(old is null ? "+" + now!.Name() : now is null ? "-" + old.Name() : "~" + now.Name());
        };
        using var stop = new CancellationTokenSource();
        var run = informer.RunAsync(stop.Token);
        await informer.Synced;
        Assert.NotNull(informer.Get("one/a"));
        await client.CreateAsync("pods", "two", body);
        await client.PatchAsync("pods", "two", "a", KubeApi.Client.PatchKind.Merge, JsonNode.Parse("""{"x":1}""")!);
        await client.DeleteAsync("pods", "two", "a");
        await ControlPlane.UntilAsync(() => { lock (seen) return seen.Count == 4; }, () => string.Join(' ', seen));
        Assert.Equal(["+a", "+a", "~a", "-a"], seen);
        Assert.Single(informer.All);
        await stop.CancelAsync();
        await run;
    }

    [Fact]
    public async Task Ones_own_write_is_known_before_the_watch_says_so_but_never_after_it_is_past()
    {
        var client = new FakeApiClient();
        var informer = new Informer(client, "pods", TimeProvider.System);
        var made = await client.CreateAsync("pods", "ns", (JsonObject)JsonNode.Parse("""{"metadata":{"name":"a"}}""")!);
        informer.Observe(made);
        Assert.NotNull(informer.Get("ns", "a"));
        await client.DeleteAsync("pods", "ns", "a");
        await client.CreateAsync("pods", "ns", (JsonObject)JsonNode.Parse("""{"metadata":{"name":"b"}}""")!);
        using var stop = new CancellationTokenSource();
        var run = informer.RunAsync(stop.Token);
        await informer.Synced;
        Assert.Null(informer.Get("ns", "a"));
        informer.Observe(made);
        Assert.Null(informer.Get("ns", "a"));
        await stop.CancelAsync();
        await run;
    }

    [Fact]
    public async Task Handlers_hear_of_a_change_that_was_known_before_its_event()
    {
        var client = new FakeApiClient();
        var informer = new Informer(client, "pods", TimeProvider.System);
        var changes = new List<(string? Old, string? Now)>();
        informer.Changed += (old, now) =>
        {
            lock (changes)
                changes.Add((old.Str("x"), now.Str("x")));
        };
        var made = await client.CreateAsync("pods", "ns", (JsonObject)JsonNode.Parse("""{"metadata":{"name":"a"},"x":"1"}""")!);
        using var stop = new CancellationTokenSource();
        var run = informer.RunAsync(stop.Token);
        await informer.Synced;
        var next = made.Copy();
        next["x"] = "2";
        next["metadata"]!["resourceVersion"] = (made.Version() + 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
        informer.Observe(next);
        await client.PatchAsync("pods", "ns", "a", KubeApi.Client.PatchKind.Merge, JsonNode.Parse("""{"x":"2"}""")!);
        await ControlPlane.UntilAsync(() => { lock (changes) return changes.Count == 2; }, () => string.Join(' ', changes));
        Assert.Equal([(null, "1"), ("1", "2")], changes);
        await stop.CancelAsync();
        await run;
    }

    [Fact]
    public async Task A_key_waits_once_is_never_worked_on_twice_at_a_time_and_comes_back_when_added_meanwhile()
    {
        var queue = new WorkQueue(TimeProvider.System);
        queue.Add("a");
        queue.Add("a");
        queue.Add("b");
        Assert.Equal("a", await queue.TakeAsync(default));
        queue.Add("a");
        Assert.Equal("b", await queue.TakeAsync(default));
        var next = queue.TakeAsync(default);
        Assert.False(next.IsCompleted);
        queue.Done("a", succeeded: true);
        Assert.Equal("a", await next);
    }

    [Fact]
    public async Task A_failure_comes_back_by_itself()
    {
        var queue = new WorkQueue(TimeProvider.System);
        queue.Add("a");
        queue.Done(await queue.TakeAsync(default), succeeded: false);
        Assert.Equal("a", await queue.TakeAsync(default));
    }

    [Fact]
    public void Retries_slow_down_to_a_limit()
    {
        Assert.Equal(TimeSpan.FromMilliseconds(5), WorkQueue.RetryDelay(1));
        Assert.Equal(TimeSpan.FromMilliseconds(40), WorkQueue.RetryDelay(4));
        Assert.Equal(TimeSpan.FromSeconds(30), WorkQueue.RetryDelay(1000));
    }
}
