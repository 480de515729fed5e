using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weft.Kernel.Namespaces;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>What a probe found.</summary>
internal sealed record ProbeResult(bool Success, string Message);

/// <summary>What a probe needs of its pod.</summary>
/// <param name="Node">Probes leave from the node's namespace, as a kubelet's do.</param>
/// <param name="Execute">Runs a command in the container: exit status and output.</param>
internal sealed record ProbeTarget(
    NetNamespace Node, string PodIp, JsonObject Container, Func<IReadOnlyList<string>, CancellationToken, Task<(int ExitCode, string Output)>> Execute);

/// <summary>One attempt of a probe or lifecycle handler: exec, httpGet, tcpSocket, grpc (core/v1 Probe).</summary>
internal static class Probe
{
    private const int LongestMessage = 1024;

    public static async Task<ProbeResult> RunAsync(JsonObject probe, ProbeTarget target, CancellationToken cancel)
    {
        var limit = TimeSpan.FromSeconds(Math.Max(1, probe.Int(1, "timeoutSeconds")));
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timer.CancelAfter(limit);
        try
        {
            var result = probe switch
            {
                _ when probe.Obj("exec") is { } exec => await ExecAsync(exec, target, timer.Token),
                _ when probe.Obj("httpGet") is { } http => await HttpAsync(http, target, timer.Token),
                _ when probe.Obj("tcpSocket") is { } tcp => await TcpAsync(tcp, target, timer.Token),
                _ when probe.Obj("grpc") is { } grpc => await GrpcAsync(grpc, target, timer.Token),
                _ => new ProbeResult(false, "probe has no handler: give exec, httpGet, tcpSocket or grpc"),
            };
            return result.Message.Length <= LongestMessage ? result : result with { Message = result.Message[..LongestMessage] };
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new ProbeResult(false, $"no answer within {limit.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is SocketException or HttpRequestException or IOException or ContainerConfigException)
        {
            return new ProbeResult(false, e.Message);
        }
    }

    private static async Task<ProbeResult> ExecAsync(JsonObject exec, ProbeTarget target, CancellationToken cancel)
    {
        var (status, output) = await target.Execute([.. exec.Strings("command")], cancel);
        return new ProbeResult(status == 0, output.Trim());
    }

    private static async Task<ProbeResult> TcpAsync(JsonObject tcp, ProbeTarget target, CancellationToken cancel)
    {
        using var socket = await ConnectAsync(tcp.Str("host") is { Length: > 0 } h ? h : target.PodIp, PortOf(tcp["port"], target.Container), target.Node, cancel);
        return new ProbeResult(true, "");
    }

    private static async Task<ProbeResult> HttpAsync(JsonObject http, ProbeTarget target, CancellationToken cancel)
    {
        string host = http.Str("host") is { Length: > 0 } h ? h : target.PodIp;
        string scheme = (http.Str("scheme") ?? "HTTP").ToLowerInvariant();
        string path = http.Str("path") is { Length: > 0 } p ? p : "/";
        var uri = new Uri($"{scheme}://{Bracket(host)}:{PortOf(http["port"], target.Container)}{(path.StartsWith('/') ? path : "/" + path)}");
        using var client = Client(target.Node, host);
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.32");
        request.Headers.TryAddWithoutValidation("Accept", "*/*");
        foreach (var header in http.Items("httpHeaders"))
        {
            if (string.Equals(header.Str("name"), "Host", StringComparison.OrdinalIgnoreCase))
                request.Headers.Host = header.Str("value");
            else
                request.Headers.TryAddWithoutValidation(header.Str("name") ?? "", header.Str("value"));
        }

        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        // 200 up to 399 is success (Probe.httpGet).
        return new ProbeResult((int)response.StatusCode is >= 200 and < 400, $"HTTP probe answered with statuscode: {(int)response.StatusCode}");
    }

    /// <summary>grpc.health.v1.Health/Check over HTTP/2 without TLS; a message is framed by a flag and its length (gRPC over HTTP2).</summary>
    private static async Task<ProbeResult> GrpcAsync(JsonObject grpc, ProbeTarget target, CancellationToken cancel)
    {
        using var client = Client(target.Node, target.PodIp);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{Bracket(target.PodIp)}:{PortOf(grpc["port"], target.Container)}/grpc.health.v1.Health/Check")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(HealthRequest(grpc.Str("service") ?? "")),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TryAddWithoutValidation("TE", "trailers");
        using var response = await client.SendAsync(request, cancel);
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancel);
        string status = response.TrailingHeaders.TryGetValues("grpc-status", out var t) ? t.First()
            : response.Headers.TryGetValues("grpc-status", out var h) ? h.First() : "none";
        if (status != "0")
            return new ProbeResult(false, $"gRPC health check answered with status {status}");
        return HealthStatus(body) == 1
            ? new ProbeResult(true, "SERVING") : new ProbeResult(false, $"service unhealthy (responded with status {HealthStatus(body)})");
    }

    /// <summary>HealthCheckRequest { string service = 1; } in a gRPC frame.</summary>
    internal static byte[] HealthRequest(string service)
    {
        byte[] name = Encoding.UTF8.GetBytes(service);
        if (name.Length > 127)
            throw new ContainerConfigException($"probe: gRPC service name \"{service}\" is longer than 127 bytes");
        byte[] message = name.Length == 0 ? [] : [0x0A, (byte)name.Length, .. name];
        byte[] frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    /// <summary>HealthCheckResponse { ServingStatus status = 1; }: 1 is SERVING, and an absent field is 0, UNKNOWN.</summary>
    internal static int HealthStatus(ReadOnlySpan<byte> frame) => frame.Length >= 7 && frame[0] == 0 && frame[5] == 0x08 ? frame[6] : 0;

    /// <summary>A port by number or by its name in the container.</summary>
    internal static int PortOf(JsonNode? port, JsonObject container)
    {
        if (port is JsonValue value && value.GetValueKind() == JsonValueKind.Number)
            return (int)port.Num()!;
        string name = port.AsText() ?? "";
        if (int.TryParse(name, out int number))
            return number;
        return container.Items("ports").FirstOrDefault(p => p.Str("name") == name) is { } named
            ? named.Int(0, "containerPort") : throw new ContainerConfigException($"container {container.Str("name")} has no port named \"{name}\"");
    }

    private static HttpClient Client(NetNamespace node, string host)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            ConnectCallback = async (context, cancel) =>
                new NetworkStream(await ConnectAsync(host, context.DnsEndPoint.Port, node, cancel), ownsSocket: true),
        };
        // Kubelet's HTTPS probes do not verify (Probe.httpGet.scheme).
        handler.SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true };
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    private static async Task<Socket> ConnectAsync(string host, int port, NetNamespace node, CancellationToken cancel)
    {
        if (!IPAddress.TryParse(host, out var address))
            throw new ContainerConfigException($"probe: host \"{host}\" must be an IP address");
        var socket = node.Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), cancel);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Bracket(string host) => host.Contains(':') ? $"[{host}]" : host;
}
