using k8s;
using k8s.Autorest;
using k8s.Models;
using Weft.KubeApi.Tests.Support;

namespace Weft.KubeApi.Tests.Clients;

/// <summary>The official C# client (KubernetesClient) takes the server for a cluster.</summary>
public class OfficialClientTests
{
    [Fact]
    public async Task CreatesReadsPatchesWatchesAndDeletes()
    {
        await using var server = await TestServer.StartAsync();
        using var client = new Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(server.KubeconfigPath));

        Assert.Equal("1", (await client.Version.GetCodeAsync()).Major);
        await client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = "dev" } });
        var made = await client.CoreV1.CreateNamespacedConfigMapAsync(
            new V1ConfigMap { Metadata = new V1ObjectMeta { GenerateName = "map-" }, Data = new Dictionary<string, string> { ["a"] = "1" } }, "dev");
        var patched = await client.CoreV1.PatchNamespacedConfigMapAsync(new V1Patch("""{"data":{"b":"2"}}""", V1Patch.PatchType.MergePatch), made.Name(), "dev");
        Assert.Equal(["a", "b"], patched.Data.Keys.Order());

        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var watching = client.CoreV1.WatchListNamespacedConfigMapAsync("dev", resourceVersion: patched.ResourceVersion(), cancellationToken: stop.Token);
        await using var events = watching.GetAsyncEnumerator(stop.Token);
        var next = events.MoveNextAsync();
        await client.CoreV1.DeleteNamespacedConfigMapAsync(made.Name(), "dev");
        Assert.True(await next);
        Assert.Equal(WatchEventType.Deleted, events.Current.Item1);
        Assert.Equal(made.Name(), events.Current.Item2.Name());
    }

    [Fact]
    public async Task RefusalsAreStatuses()
    {
        await using var server = await TestServer.StartAsync();
        using var client = new Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(server.KubeconfigPath));
        var error = await Assert.ThrowsAsync<HttpOperationException>(() => client.CoreV1.ReadNamespacedPodAsync("absent", "default"));
        Assert.Equal(System.Net.HttpStatusCode.NotFound, error.Response.StatusCode);
        Assert.Contains("pods \\\"absent\\\" not found", error.Response.Content, StringComparison.Ordinal);
    }
}
