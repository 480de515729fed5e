using System.Net.Sockets;
using System.Text.Json.Nodes;
using Weft.Model.Tables;

namespace Lab.Tests.Support;

/// <summary>One node's agent over its health socket.</summary>
internal sealed class LabAgent : IDisposable
{
    private readonly HttpClient _http;

    public LabAgent(string node, string socket)
    {
        Node = node;
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancel);
                    return new NetworkStream(connection, ownsSocket: true);
                }
                catch
                {
                    connection.Dispose();
                    throw;
                }
            },
        })
        { BaseAddress = new Uri("http://agent/"), Timeout = TimeSpan.FromSeconds(10) };
    }

    public string Node { get; }

    public async Task<ShowTable> TableAsync(string name) => ShowTableJson.Read(JsonNode.Parse(await _http.GetStringAsync($"tables/{name}")));

    /// <summary>Null when the kernel is in line with the newest snapshot.</summary>
    public async Task<string?> AppliedProblemAsync()
    {
        var metrics = await MetricsAsync();
        var (known, applied) = (metrics.GetValueOrDefault("weft_store_revision"), metrics.GetValueOrDefault("weft_applied_revision"));
        return known is not null && known == applied ? null : $"{Node}: snapshot {known} is not applied yet, {applied} is";
    }

    public async Task<string?> MetricAsync(string name) => (await MetricsAsync()).GetValueOrDefault(name);

    private async Task<Dictionary<string, string>> MetricsAsync() => (await _http.GetStringAsync("metrics"))
        .Split('\n').Where(l => l.Length > 0 && l[0] != '#').Select(l => l.Split(' ')).ToDictionary(w => w[0], w => w[1]);

    /// <summary>Null when the agent answers and all it knows is in the kernel.</summary>
    public async Task<string?> ReadyProblemAsync()
    {
        try
        {
            using var response = await _http.GetAsync("readyz");
            return response.IsSuccessStatusCode ? null : $"{Node}: {await response.Content.ReadAsStringAsync()}";
        }
        catch (HttpRequestException e)
        {
            return $"{Node}: {e.Message}";
        }
    }

    public void Dispose() => _http.Dispose();
}
