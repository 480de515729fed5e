using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weft.Lab.Daemon;
using Weft.Lab.Topology;
using Weft.Model.Tables;

namespace Weft.Cli.Show;

/// <summary>Asks an agent over its health socket.</summary>
internal sealed class AgentClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly string _socket;

    private AgentClient(string node, string socket)
    {
        Node = node;
        _socket = socket;
        _http = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync })
        {
            BaseAddress = new Uri("http://agent/"),
            Timeout = TimeSpan.FromSeconds(10),
        };
    }

    public string Node { get; }

    /// <summary>The agents of a lab, or one of them.</summary>
    /// <exception cref="LabException">There is no such lab or node.</exception>
    public static IReadOnlyList<AgentClient> OfLab(string lab, string? node)
    {
        LabTopology.ThrowIfBadName(lab);
        var paths = new LabPaths(lab);
        var topology = LabManager.TryReadTopology(paths) ?? throw new LabException($"there is no lab {lab}: bring it up with weft lab up --name {lab}");
        var names = topology.Nodes.Select(n => n.Name).ToList();
        if (node is not null && !names.Contains(node))
            throw new LabException($"lab {lab} has no node \"{node}\": use one of {string.Join(", ", names)}");
        return [.. names.Where(n => node is null || n == node).Select(n => new AgentClient(n, paths.HealthSocket(n)))];
    }

    /// <exception cref="LabException">The agent does not answer, or not with a table.</exception>
    public Task<ShowTable> TableAsync(string name, CancellationToken cancel) => FetchAsync("tables", name, cancel);

    /// <summary>A table of <c>weft ipam</c>.</summary>
    /// <exception cref="LabException">As <see cref="TableAsync"/>.</exception>
    public Task<ShowTable> IpamAsync(string name, CancellationToken cancel) => FetchAsync("ipam", name, cancel);

    /// <summary>Asks for the release of an address; the answer says what came of it.</summary>
    /// <exception cref="LabException">The agent does not answer.</exception>
    public async Task<(bool Released, string Text)> ReleaseAsync(IPAddress address, bool force, CancellationToken cancel)
    {
        try
        {
            using var response = await _http.PostAsync($"ipam/release/{address}{(force ? "?force=1" : "")}", null, cancel);
            return (response.IsSuccessStatusCode, (await response.Content.ReadAsStringAsync(cancel)).Trim());
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException { InnerException: TimeoutException })
        {
            throw new LabException($"node {Node}: the agent does not answer at {_socket} ({e.InnerException?.Message ?? e.Message}); see weft lab logs {Node}");
        }
    }

    private async Task<ShowTable> FetchAsync(string kind, string name, CancellationToken cancel)
    {
        try
        {
            using var response = await _http.GetAsync($"{kind}/{name}", cancel);
            var text = await response.Content.ReadAsStringAsync(cancel);
            return response.IsSuccessStatusCode ? ShowTableJson.Read(JsonNode.Parse(text)) : throw new LabException($"node {Node}: the agent has no table {name} yet");
        }
        catch (Exception e) when (e is HttpRequestException or FormatException or JsonException or TaskCanceledException { InnerException: TimeoutException })
        {
            throw new LabException($"node {Node}: the agent does not answer at {_socket} ({e.InnerException?.Message ?? e.Message}); see weft lab logs {Node}");
        }
    }

    /// <summary>Null when the agent is ready, else what it says is wrong.</summary>
    public async Task<string?> ProblemAsync(CancellationToken cancel)
    {
        try
        {
            using var response = await _http.GetAsync("readyz", cancel);
            return response.IsSuccessStatusCode ? null : (await response.Content.ReadAsStringAsync(cancel)).Trim();
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException { InnerException: TimeoutException })
        {
            return $"does not answer at {_socket}";
        }
    }

    public void Dispose() => _http.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socket), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
