using Weft.Model.Cluster;
using Weft.Model.Selectors;

namespace Weft.Store.Tests;

public class ClusterStoreTests
{
    private readonly ClusterStore _store = new();

    [Fact]
    public void AnEqualRowMakesNoNewRevision()
    {
        var first = _store.Namespaces.Upsert("a", new Namespace("a", Labels.Of(("k", "v"))));
        var second = _store.Namespaces.Upsert("a", new Namespace("a", Labels.Of(("k", "v"))));
        Assert.Equal(first, second);
        Assert.NotEqual(first, _store.Namespaces.Upsert("a", new Namespace("a", Labels.Empty)));
    }

    [Fact]
    public void RemovingWhatIsNotThereMakesNoNewRevision() => Assert.Equal(0, _store.Namespaces.Remove("absent"));

    [Fact]
    public void ReplaceKeepsTheIdentityOfEqualRowsAndDropsTheRest()
    {
        _store.Namespaces.Upsert("a", new Namespace("a", Labels.Empty));
        _store.Namespaces.Upsert("b", new Namespace("b", Labels.Empty));
        var before = _store.Current.Namespaces["a"];
        _store.Namespaces.Replace(new Dictionary<string, Namespace>
        {
            ["a"] = new("a", Labels.Empty),
            ["c"] = new("c", Labels.Empty),
        });
        Assert.Same(before, _store.Current.Namespaces["a"]);
        Assert.Equal(["a", "c"], _store.Current.Namespaces.Keys.Order());
    }

    [Fact]
    public void AReplaceThatChangesNothingMakesNoNewRevision()
    {
        var revision = _store.Namespaces.Upsert("a", new Namespace("a", Labels.Empty));
        Assert.Equal(revision, _store.Namespaces.Replace(new Dictionary<string, Namespace> { ["a"] = new("a", Labels.Empty) }));
    }

    [Fact]
    public async Task SyncedOnlyWhenEverySourceHasReported()
    {
        _store.Expect("pods");
        _store.Expect("nodes");
        _store.MarkSynced("pods");
        Assert.False(_store.Synced.IsCompleted);
        Assert.Equal(["nodes"], _store.Unsynced);
        _store.MarkSynced("nodes");
        await _store.Synced;
    }

    [Fact]
    public async Task WaitersSeeEveryChangeAtLeastOnceAndNeverGoBack()
    {
        const int Last = 200;
        var writer = Task.Run(() =>
        {
            for (var i = 1; i <= Last; i++)
                _store.Namespaces.Upsert("a", new Namespace("a", Labels.Of(("n", $"{i}"))));
        });
        long seen = 0;
        while (seen < Last)
        {
            var snapshot = await _store.WaitForNewerAsync(seen, CancellationToken.None);
            Assert.True(snapshot.Revision > seen);
            seen = snapshot.Revision;
        }
        await writer;
        Assert.Equal($"{Last}", _store.Current.Namespaces["a"].Labels["n"]);
    }
}
