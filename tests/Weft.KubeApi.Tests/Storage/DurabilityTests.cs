using System.Text.Json.Nodes;
using Weft.KubeApi.Storage;
using Xunit;

namespace Weft.KubeApi.Tests.Storage;

public sealed class DurabilityTests
{
    [Fact]
    public async Task What_was_acknowledged_is_there_when_the_files_are_opened_without_a_shutdown()
    {
        var directory = Directory.CreateTempSubdirectory("weft-kubeapi-test").FullName;
        var path = Path.Combine(directory, "objects.db");
        var store = new ObjectStore(path);
        var writes = Enumerable.Range(0, 200).Select(i => store.CreateAsync(new ObjectKey("configmaps", "default", $"c{i}"), Map($"c{i}"))).ToArray();
        var stored = await Task.WhenAll(writes);
        await store.DeleteAsync(stored[7]);
        var revision = store.Current.Revision;

        // A copy of the files as they are is what a killed process leaves behind.
        var copy = Directory.CreateTempSubdirectory("weft-kubeapi-test").FullName;
        foreach (var file in Directory.GetFiles(directory))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        await using var reopened = new ObjectStore(Path.Combine(copy, "objects.db"));
        Assert.Equal(revision, reopened.Current.Revision);
        Assert.Equal(199, reopened.Current.All("configmaps", "default").Count());
        Assert.Null(reopened.Current.Find(new ObjectKey("configmaps", "default", "c7")));
        var next = await reopened.CreateAsync(new ObjectKey("configmaps", "default", "new"), Map("new"));
        Assert.Equal(revision + 1, next.Revision);

        await store.DisposeAsync();
        Directory.Delete(directory, true);
    }

    [Fact]
    public async Task A_past_state_is_undone_from_the_present_by_the_history()
    {
        var directory = Directory.CreateTempSubdirectory("weft-kubeapi-test").FullName;
        await using (var store = new ObjectStore(Path.Combine(directory, "objects.db")))
        {
            var a = await store.CreateAsync(new ObjectKey("configmaps", "default", "a"), Map("a"));
            var b = await store.CreateAsync(new ObjectKey("configmaps", "default", "b"), Map("b"));
            var past = store.Current.Revision;
            await store.UpdateAsync(a, Map("a", "changed"));
            await store.DeleteAsync(b);
            await store.CreateAsync(new ObjectKey("configmaps", "default", "c"), Map("c"));

            var then = store.At("configmaps", past).All("configmaps", null).ToArray();
            Assert.Equal([a, b], then);
        }
        Directory.Delete(directory, true);
    }

    private static JsonObject Map(string name, string value = "v") => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name }, ["data"] = new JsonObject { ["k"] = value },
    };
}
