using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Weft.Kubernetes.Api;

namespace Weft.Kubernetes.Watch;

/// <summary>A refusal by the API server; <see cref="Code"/> is the HTTP status (410 means: list again).</summary>
public sealed class ApiException(int code, string message) : Exception(message)
{
    public int Code { get; } = code;
}

/// <summary>The connection to the Kubernetes API: requests read straight into the slim types.</summary>
public sealed class ApiConnection : IDisposable
{
    private readonly ApiConfig _config;
    private readonly HttpClient _http;

    private ApiConnection(ApiConfig config)
    {
        _config = config;
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true, PooledConnectionLifetime = TimeSpan.FromHours(1) };
        if (config.TlsServerName is { } name)
            handler.SslOptions.TargetHost = name;
        if (config.ClientCertificate is { } certificate)
            handler.SslOptions.ClientCertificates = [certificate];
        if (config.SkipVerify)
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        else if (config.Authorities.Count > 0)
            handler.SslOptions.CertificateChainPolicy = Policy(config.Authorities);
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Opens with a kubeconfig file, or with the pod's service account when the path is null.</summary>
    /// <exception cref="ApiConfigException">There is none that can be used.</exception>
    public static ApiConnection Open(string? kubeconfig) => new(kubeconfig is null ? ApiConfig.InCluster() : ApiConfig.FromFile(kubeconfig));

    public Uri Server => _config.Server;

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

    /// <summary>Posts an object and reads it as the server keeps it.</summary>
    public async Task<TRead> CreateAsync<T, TRead>(string path, T body, JsonTypeInfo<T> type, JsonTypeInfo<TRead> read, CancellationToken cancel) =>
        await ReadAsync(await SendAsync(HttpMethod.Post, path, Json(body, type, "application/json"), HttpCompletionOption.ResponseContentRead, cancel), path, read, cancel);

    /// <summary>JSON merge patch (RFC 7396); the object as it is afterwards. Code 409 when the patch names a resourceVersion that is not current.</summary>
    public async Task<TRead> MergeAsync<T, TRead>(string path, T body, JsonTypeInfo<T> type, JsonTypeInfo<TRead> read, CancellationToken cancel) =>
        await ReadAsync(
            await SendAsync(HttpMethod.Patch, path, Json(body, type, "application/merge-patch+json"), HttpCompletionOption.ResponseContentRead, cancel), path, read, cancel);

    public async Task DeleteAsync<T>(string path, T options, JsonTypeInfo<T> type, CancellationToken cancel) =>
        (await SendAsync(HttpMethod.Delete, path, Json(options, type, "application/json"), HttpCompletionOption.ResponseContentRead, cancel)).Dispose();

    /// <summary>Posts an object given as JSON text.</summary>
    public async Task PostJsonAsync(string path, string json, CancellationToken cancel) =>
        (await SendAsync(HttpMethod.Post, path, new StringContent(json, new MediaTypeHeaderValue("application/json")), HttpCompletionOption.ResponseContentRead, cancel)).Dispose();

    /// <summary>Strategic merge patch.</summary>
    public async Task PatchAsync<T>(string path, T body, JsonTypeInfo<T> type, CancellationToken cancel) =>
        (await SendAsync(
            HttpMethod.Patch, path, Json(body, type, "application/strategic-merge-patch+json"), HttpCompletionOption.ResponseContentRead, cancel)).Dispose();

    /// <summary>JSON merge patch (RFC 7396): lists are replaced whole.</summary>
    public async Task MergePatchAsync<T>(string path, T body, JsonTypeInfo<T> type, CancellationToken cancel) =>
        (await SendAsync(HttpMethod.Patch, path, Json(body, type, "application/merge-patch+json"), HttpCompletionOption.ResponseContentRead, cancel)).Dispose();

    public void Dispose() => _http.Dispose();

    private static X509ChainPolicy Policy(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }

    private static ByteArrayContent Json<T>(T body, JsonTypeInfo<T> type, string mediaType)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type));
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        return content;
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, string path, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        using (response)
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancel);
            return await JsonSerializer.DeserializeAsync(body, type, cancel) ?? throw new JsonException($"{path} answered null");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, HttpCompletionOption completion, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, new Uri(_config.Server, path)) { Content = content };
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
        if (_config.Token() is { Length: > 0 } token)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
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
