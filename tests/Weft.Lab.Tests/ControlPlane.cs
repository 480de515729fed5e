using System.Text.Json.Nodes;
using Weft.Lab.Controllers;
using Weft.Lab.Informers;
using Weft.Lab.Objects;

namespace Weft.Lab.Tests;

/// <summary>Informers over a fake API, with the controllers under test, and a kubelet that makes every placed pod ready.</summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();

    public ControlPlane()
    {
        Api = new InformerSet(Client, TimeProvider.System);
        Events = new EventRecorder(Client, TimeProvider.System);
        Log = new LabLog(TextWriter.Null, TimeProvider.System);
    }

    public FakeApiClient Client { get; } = new();

    public InformerSet Api { get; }

    public EventRecorder Events { get; }

    public LabLog Log { get; }

    public async Task StartAsync(params Controller[] controllers)
    {
        _ = Api.RunAsync(_stop.Token);
        await Api.Synced;
        foreach (var controller in controllers)
            _ = controller.RunAsync(_stop.Token);
    }

    public Task<JsonObject> CreateAsync(string resource, string ns, string json) => Client.CreateAsync(resource, ns, (JsonObject)JsonNode.Parse(json)!);

    /// <summary>Waits until something holds, and says what did not when it never does.</summary>
    public static async Task UntilAsync(Func<bool> condition, Func<string> what)
    {
        for (int i = 0; i < 3000; i++)
        {
            if (condition())
                return;
            await Task.Delay(5);
        }

        Assert.Fail(what());
    }

    public async Task SetReadyAsync(JsonObject pod, bool ready = true, string phase = "Running", string ip = "10.244.0.9")
    {
        await Client.PatchAsync("pods", pod.Namespace(), pod.Name(), KubeApi.Client.PatchKind.Merge, new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["phase"] = phase,
                ["podIP"] = ip,
                ["podIPs"] = new JsonArray(new JsonObject { ["ip"] = ip }),
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = ready ? "True" : "False" }),
            },
        }, "status");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _stop.Dispose();
    }
}
