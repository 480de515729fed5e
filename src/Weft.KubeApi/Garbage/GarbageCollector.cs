using Weft.KubeApi.Rest;

namespace Weft.KubeApi.Garbage;

internal sealed class GarbageCollector(ApiCore core) : IAsyncDisposable
{
    public const string Orphan = "orphan";
    public const string Foreground = "foregroundDeletion";

    public void Start() => _ = core;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
