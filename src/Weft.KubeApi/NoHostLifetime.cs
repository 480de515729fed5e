using Microsoft.Extensions.Hosting;

namespace Weft.KubeApi;

/// <summary>The server lives as long as the object that holds it; signals are its process's matter.</summary>
internal sealed class NoHostLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
