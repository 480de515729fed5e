using System.Net;
using System.Text.Json.Nodes;
using Weft.Kernel.Namespaces;

namespace Lab.Tests.Support;

/// <summary>Pods of a test, opened so that sockets can be made inside them, in a namespace of their own that goes with them.</summary>
internal sealed class Pods(TestLab lab, string ns) : IAsyncDisposable
{
    private readonly List<Machine> _machines = [];

    public string Namespace => ns;

    public async Task StartAsync() => await lab.Api.CreateAsync(Json($$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{ns}}}"}}"""));

    /// <summary>Creates a pod that sleeps, without waiting for it.</summary>
    /// <param name="annotations">Inside of the braces of metadata.annotations.</param>
    public Task CreateAsync(string name, string node, string annotations = "") => lab.Api.CreateAsync(Json($$$"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"{{{ns}}}","name":"{{{name}}}","labels":{"app":"{{{name}}}"},"annotations":{{{{annotations}}}}},
         "spec":{"nodeName":"{{{node}}}","terminationGracePeriodSeconds":0,"containers":[{"name":"main","image":"sample","command":["sleep","3600"]}]}}
        """));

    /// <summary>Waits until a pod runs.</summary>
    public async Task<Machine> OpenAsync(string name)
    {
        JsonObject pod = [];
        await Eventually.NoneAsync(async () =>
        {
            pod = await lab.Api.GetAsync(Path("Pod", name));
            return (string?)pod["status"]?["phase"] == "Running" ? null : $"pod {ns}/{name} is {pod["status"]?.ToJsonString()}; {string.Join(" | ", await EventsAsync(name))}";
        });
        var addresses = pod["status"]!["podIPs"]!.AsArray().Select(i => IPAddress.Parse((string)i!["ip"]!)).ToList();
        var machine = new Machine($"{ns}/{name}", NetNamespace.OpenNamed(lab.Paths.PodNamespace((string)pod["metadata"]!["uid"]!)), addresses);
        _machines.Add(machine);
        return machine;
    }

    public async Task<Machine> RunAsync(string name, string node, string annotations = "")
    {
        await CreateAsync(name, node, annotations);
        return await OpenAsync(name);
    }

    /// <summary>What the events of an object of the namespace say.</summary>
    public async Task<IReadOnlyList<string>> EventsAsync(string name) =>
    [
        .. (await lab.Api.ListAsync(LabApi.Collection("Event", ns)))
            .Where(e => (string?)e["involvedObject"]?["name"] == name).Select(e => $"{(string?)e["reason"]}: {(string?)e["message"]}"),
    ];

    public string Path(string kind, string name) => $"{LabApi.Collection(kind, ns)}/{name}";

    public static JsonObject Json(string text) => JsonNode.Parse(text)!.AsObject();

    public async ValueTask DisposeAsync()
    {
        foreach (var machine in _machines)
            machine.Network.Dispose();
        await lab.Api.DeleteAsync($"api/v1/namespaces/{ns}");
        await Eventually.NoneAsync(async () =>
            (await lab.Api.ListAsync(LabApi.Collection("Pod", ns))).Count > 0 ? $"namespace {ns} still has pods" : null);
    }
}
