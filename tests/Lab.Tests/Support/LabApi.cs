using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using k8s;

namespace Lab.Tests.Support;

/// <summary>A lab's Kubernetes API as its kubeconfig tells a client to reach it.</summary>
internal sealed class LabApi : IDisposable
{
    private readonly Kubernetes _client;

    public LabApi(string kubeconfig) =>
        _client = new Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(new FileInfo(kubeconfig)));

    /// <summary>Path of a manifest's collection, such as <c>api/v1/namespaces/default/pods</c>.</summary>
    public static string Collection(string kind, string ns) => kind switch
    {
        "Namespace" => "api/v1/namespaces",
        "Node" => "api/v1/nodes",
        "Pod" => $"api/v1/namespaces/{ns}/pods",
        "Service" => $"api/v1/namespaces/{ns}/services",
        "Event" => $"api/v1/namespaces/{ns}/events",
        "EndpointSlice" => $"apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices",
        "NetworkPolicy" => $"apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies",
        "IPPool" => "apis/weft.dev/v1alpha1/ippools",
        "IPBlock" => "apis/weft.dev/v1alpha1/ipblocks",
        _ => throw new ArgumentException($"no path is known for {kind}"),
    };

    /// <summary>Creates the object that a manifest describes.</summary>
    /// <exception cref="LabApiException">The API refused.</exception>
    public Task<JsonObject> CreateAsync(JsonObject manifest, string query = "") =>
        SendAsync(HttpMethod.Post, Collection((string)manifest["kind"]!, Namespace(manifest)) + query, manifest);

    public Task<JsonObject> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    public async Task<IReadOnlyList<JsonObject>> ListAsync(string path) =>
        [.. (await GetAsync(path))["items"]!.AsArray().Select(i => i!.AsObject())];

    public Task<JsonObject> PatchAsync(string path, JsonNode patch, string type = "application/merge-patch+json") =>
        SendAsync(HttpMethod.Patch, path, patch, type);

    /// <summary>Deletes an object or a collection; one that is gone already is no error.</summary>
    public async Task DeleteAsync(string path)
    {
        try
        {
            await SendAsync(HttpMethod.Delete, path, null);
        }
        catch (LabApiException e) when (e.Code == HttpStatusCode.NotFound)
        {
        }
    }

    public void Dispose() => _client.Dispose();

    private static string Namespace(JsonObject manifest) => (string?)manifest["metadata"]?["namespace"] ?? "default";

    private async Task<JsonObject> SendAsync(HttpMethod method, string path, JsonNode? body, string type = "application/json")
    {
        using var request = new HttpRequestMessage(method, new Uri(_client.BaseUri, path));
        if (body is not null)
            request.Content = new StringContent(body.ToJsonString(), new MediaTypeHeaderValue(type));
        if (_client.Credentials is { } credentials)
            await credentials.ProcessHttpRequestAsync(request, CancellationToken.None);
        using var response = await _client.HttpClient.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var answer = JsonNode.Parse(text) as JsonObject ?? throw new FormatException($"{method} {path} answered {text}");
        return response.IsSuccessStatusCode ? answer : throw new LabApiException(response.StatusCode, $"{method} {path}: {answer["message"]}", answer);
    }
}

/// <summary>A refusal with the Status object that it came with.</summary>
internal sealed class LabApiException(HttpStatusCode code, string message, JsonObject status) : Exception(message)
{
    public HttpStatusCode Code { get; } = code;

    public JsonObject Status { get; } = status;
}
