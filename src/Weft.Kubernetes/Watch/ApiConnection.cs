using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using k8s;
using k8s.KubeConfigModels;
using Weft.Kubernetes.Api;

namespace Weft.Kubernetes.Watch;

/// <summary>A refusal by the API server; <see cref="Code"/> is the HTTP status (410 means: list again).</summary>
public sealed class ApiException(int code, string message) : Exception(message)
{
    public int Code { get; } = code;
}

/// <summary>
/// The connection to the Kubernetes API: address, trust and credentials come from a kubeconfig file or from the pod's service account
/// (KubernetesClient reads both); requests read straight into the slim types.
/// </summary>
public sealed class ApiConnection : IDisposable
{
    private readonly k8s.Kubernetes _client;
    private readonly HttpClient _http;

    private ApiConnection(k8s.Kubernetes client)
    {
        _client = client;
        _http = client.HttpClient;
        _http.Timeout = Timeout.InfiniteTimeSpan;
    }

    /// <summary>Opens with a kubeconfig file, or with the in-cluster service account when the path is null.</summary>
    /// <exception cref="k8s.Exceptions.KubeConfigException">The file is missing, unreadable or incomplete.</exception>
    public static ApiConnection Open(string? kubeconfig)
    {
        var config = kubeconfig is null
            ? KubernetesClientConfiguration.InClusterConfig()
            : KubernetesClientConfiguration.BuildConfigFromConfigFile(new FileInfo(kubeconfig));
        return new ApiConnection(new k8s.Kubernetes(config));
    }

    public Uri Server => _client.BaseUri;

    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timeout.CancelAfter(TimeSpan.FromSeconds(30));
        using var response = await SendAsync(HttpMethod.Get, path, null, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
        await using var body = await response.Content.ReadAsStreamAsync(timeout.Token);
        return await JsonSerializer.DeserializeAsync(body, type, timeout.Token) ?? throw new JsonException($"{path} answered null");
    }

    /// <summary>Opens a watch: a stream of JSON lines that lasts until the server ends it.</summary>
    public async Task<HttpResponseMessage> WatchAsync(string path, CancellationToken cancel) =>
        await SendAsync(HttpMethod.Get, path, null, HttpCompletionOption.ResponseHeadersRead, cancel);

    public async Task PostAsync<T>(string path, T body, JsonTypeInfo<T> type, CancellationToken cancel) =>
        (await SendAsync(HttpMethod.Post, path, Json(body, type, "application/json"), HttpCompletionOption.ResponseContentRead, cancel)).Dispose();

    /// <summary>Posts an object given as JSON text.</summary>
    public async Task PostJsonAsync(string path, string json, CancellationToken cancel) =>
        (await SendAsync(HttpMethod.Post, path, new StringContent(json, new MediaTypeHeaderValue("application/json")), HttpCompletionOption.ResponseContentRead, cancel)).Dispose();

    /// <summary>Strategic merge patch.</summary>
    public async Task PatchAsync<T>(string path, T body, JsonTypeInfo<T> type, CancellationToken cancel) =>
        (await SendAsync(
            HttpMethod.Patch, path, Json(body, type, "application/strategic-merge-patch+json"), HttpCompletionOption.ResponseContentRead, cancel)).Dispose();

    public void Dispose() => _client.Dispose();

    private static ByteArrayContent Json<T>(T body, JsonTypeInfo<T> type, string mediaType)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type));
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        return content;
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, HttpCompletionOption completion, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, new Uri(_client.BaseUri, path)) { Content = content };
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
        if (_client.Credentials is { } credentials)
            await credentials.ProcessHttpRequestAsync(request, cancel);
        var response = await _http.SendAsync(request, completion, cancel);
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync(cancel);
            throw new ApiException((int)response.StatusCode, $"{method} {path}: {(int)response.StatusCode} {Message(text)}");
        }
    }

    private static string Message(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, ApiJson.Default.ApiStatus)?.Message ?? text;
        }
        catch (JsonException)
        {
            return text.Length > 200 ? text[..200] : text;
        }
    }
}
