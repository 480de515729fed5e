using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Weft.Lab.Topology;

namespace Weft.Lab.Daemon;

/// <summary>A running daemon answers each connection to its control socket with one JSON object: its status.</summary>
public static class ControlSocket
{
    /// <summary>The status that a lab's daemon reports, or null when none answers.</summary>
    public static async Task<JsonObject?> AskAsync(LabPaths paths, CancellationToken cancel = default)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(TimeSpan.FromSeconds(5));
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(paths.ControlSocket), limit.Token);
            await using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream);
            return JsonNode.Parse(await reader.ReadToEndAsync(limit.Token)) as JsonObject;
        }
        catch (Exception e) when (e is SocketException or IOException or System.Text.Json.JsonException or OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            return null;
        }
    }

    internal static async Task ServeAsync(LabPaths paths, Func<JsonObject> status, CancellationToken cancel)
    {
        File.Delete(paths.ControlSocket);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(paths.ControlSocket));
        File.SetUnixFileMode(paths.ControlSocket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        listener.Listen(16);
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                using var client = await listener.AcceptAsync(cancel);
                await client.SendAsync(Encoding.UTF8.GetBytes(status().ToJsonString()), cancel);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // The asker went away; the next one is served.
            }
        }
    }
}
