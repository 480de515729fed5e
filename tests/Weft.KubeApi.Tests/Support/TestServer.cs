using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Weft.KubeApi.Client;

namespace Weft.KubeApi.Tests.Support;

/// <summary>A server on a free loopback port with a data directory of its own, and an HTTP client that trusts it.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly bool _ownsDirectory;

    private TestServer(ApiServer server, string directory, bool ownsDirectory)
    {
        Server = server;
        Directory = directory;
        _ownsDirectory = ownsDirectory;
        Url = $"https://127.0.0.1:{server.Endpoints[0].Port}";
        KubeconfigPath = Path.Combine(directory, "kubeconfig");
        server.WriteKubeconfig(KubeconfigPath, Url);
        Http = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true })
        {
            BaseAddress = new Uri(Url),
        };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", server.AdminToken);
    }

    public ApiServer Server { get; }

    public IApiClient Client => Server.Client;

    public string Directory { get; }

    public string Url { get; }

    public string KubeconfigPath { get; }

    public HttpClient Http { get; }

    public static async Task<TestServer> StartAsync(Func<ApiServerOptions, ApiServerOptions>? configure = null, string? directory = null)
    {
        var path = directory ?? System.IO.Directory.CreateTempSubdirectory("weft-kubeapi-test").FullName;
        var options = new ApiServerOptions { DataDirectory = path, Listeners = [ApiListener.At(new IPEndPoint(IPAddress.Loopback, 0))] };
        return new TestServer(await ApiServer.StartAsync(configure?.Invoke(options) ?? options), path, directory is null);
    }

    /// <summary>The status code and the body as JSON.</summary>
    public async Task<(int Code, JsonNode Body)> SendAsync(
        string method, string path, JsonNode? body = null, string contentType = "application/json", string? accept = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.ToJsonString()));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await Http.SendAsync(request);
        return ((int)response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync())!);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Server.DisposeAsync();
        if (_ownsDirectory)
            System.IO.Directory.Delete(Directory, recursive: true);
    }
}
