using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Weft.KubeApi.Client;
using Weft.KubeApi.Streams.Spdy;

namespace Weft.KubeApi.Streams;

/// <summary>
/// <c>kubectl port-forward</c>: SPDY through a WebSocket. For each connection the client opens an error and a data stream with one requestID
/// (k8s.io/kubelet/pkg/cri/streaming/portforward).
/// </summary>
internal sealed class PortForwardSession(IPodStreams pods, PodTarget target)
{
    public const string Protocol = "SPDY/3.1+portforward.k8s.io";

    private readonly ConcurrentDictionary<string, SpdyStream> _waiting = new();
    private readonly ConcurrentDictionary<Task, bool> _running = new();

    public async Task RunAsync(WebSocket socket, CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        await using var connection = new SpdyConnection(new WebSocketTunnel(socket), stream => Accept(stream, ended.Token));
        try
        {
            await connection.RunAsync(ended.Token);
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(_running.Keys);
        }
    }

    private void Accept(SpdyStream stream, CancellationToken cancel)
    {
        var request = stream.Headers.GetValueOrDefault("requestid", "");
        if (!_waiting.TryRemove(request, out var other))
        {
            _waiting[request] = stream;
            return;
        }
        var (error, data) = stream.Headers.GetValueOrDefault("streamtype") == "error" ? (stream, other) : (other, stream);
        var task = ForwardAsync(error, data, cancel);
        _running[task] = true;
        _ = task.ContinueWith(t => _running.TryRemove(t, out _), TaskScheduler.Default);
    }

    private async Task ForwardAsync(SpdyStream error, SpdyStream data, CancellationToken cancel)
    {
        try
        {
            try
            {
                var text = data.Headers.GetValueOrDefault("port", "");
                if (!ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
                    throw new IOException($"port \"{text}\" is not a port number");
                await using var pod = await pods.ConnectAsync(target, port, cancel);
                await PumpAsync(data, pod, cancel);
            }
            catch (Exception e) when (e is IOException or ApiStatusException or System.Net.Sockets.SocketException)
            {
                var message = $"error forwarding port {data.Headers.GetValueOrDefault("port")} to pod {target.Pod}: {e.Message}";
                await error.WriteAsync(Encoding.UTF8.GetBytes(message), cancel);
            }
            await error.EndAsync(cancel);
            await data.EndAsync(cancel);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or WebSocketException or ObjectDisposedException)
        {
            // The client is gone, and with it whoever could be told.
        }
        finally
        {
            error.Close();
            data.Close();
        }
    }

    private static async Task PumpAsync(SpdyStream data, Stream pod, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var up = UpAsync(data, pod, over.Token);
        var buffer = new byte[32 * 1024];
        try
        {
            int read;
            while ((read = await pod.ReadAsync(buffer, cancel)) > 0)
                await data.WriteAsync(buffer.AsMemory(0, read), cancel);
        }
        finally
        {
            await over.CancelAsync();
            await up;
        }
    }

    private static async Task UpAsync(SpdyStream data, Stream pod, CancellationToken cancel)
    {
        try
        {
            await foreach (var bytes in data.ReadAllAsync(cancel))
                await pod.WriteAsync(bytes, cancel);
            // The client has said all: the pod may answer still.
            if (pod is System.Net.Sockets.NetworkStream network)
                network.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or System.Net.Sockets.SocketException)
        {
            // The other direction notices and ends the connection.
        }
    }
}
