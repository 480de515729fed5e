using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Weft.Wire.Cri;

namespace Weft.Agent.Garbage;

/// <summary>
/// <see cref="ISandboxes"/> over the runtime's CRI socket: one gRPC call by HTTP/2, for which the HTTP client that talks to the API server
/// suffices.
/// </summary>
internal sealed partial class CriSandboxes(string? socket, ILogger logger) : ISandboxes
{
    /// <summary>Where runtimes listen when nothing else is said.</summary>
    private static readonly string[] WellKnown = ["/run/containerd/containerd.sock", "/run/crio/crio.sock"];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private string? _lastProblem;

    public async Task<IReadOnlySet<string>?> ListAsync(CancellationToken cancel)
    {
        if ((socket ?? WellKnown.FirstOrDefault(File.Exists)) is not { } path)
            return null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        try
        {
            var ids = await AskAsync(path, limit.Token);
            _lastProblem = null;
            return ids;
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException or FormatException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            // Said once: as long as it lasts, nothing is concluded.
            if (_lastProblem != e.Message)
                LogSilent(path, _lastProblem = e.Message);
            return null;
        }
    }

    /// <exception cref="FormatException">An answer that is none: an error status, or another message.</exception>
    private static async Task<IReadOnlySet<string>> AskAsync(string path, CancellationToken cancel)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, connecting) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(path), connecting);
                    return new NetworkStream(connection, ownsSocket: true);
                }
                catch
                {
                    connection.Dispose();
                    throw;
                }
            },
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://localhost" + SandboxList.Method)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(SandboxList.Request()),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        using var response = await http.SendAsync(request, cancel);
        var answer = await response.Content.ReadAsByteArrayAsync(cancel);
        // The status comes after the message, or with the headers when there is no message (gRPC over HTTP/2, "Responses").
        var headers = response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers;
        var status = headers.TryGetValues("grpc-status", out var values) ? values.First() : null;
        if (!response.IsSuccessStatusCode || status != "0")
            throw new FormatException(
                $"HTTP {(int)response.StatusCode}, grpc-status {status ?? "missing"}: {(headers.TryGetValues("grpc-message", out var said) ? said.First() : "no message")}");
        return SandboxList.ReadIds(answer);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "the container runtime does not answer on {Path}, so addresses of lost sandboxes stay: {Problem}")]
    private partial void LogSilent(string path, string problem);
}
