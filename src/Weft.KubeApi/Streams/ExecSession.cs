using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Weft.KubeApi.Client;
using Weft.KubeApi.Rest;

namespace Weft.KubeApi.Streams;

/// <summary>
/// exec and attach over a WebSocket: binary messages whose first byte is a channel (k8s.io/apimachinery/pkg/util/remotecommand).
/// Version 5 of the protocol adds a message that closes a channel, so that a command sees the end of its input.
/// </summary>
internal sealed class ExecSession(WebSocket socket, bool stdin, bool stdout, bool stderr, bool tty)
{
    public const string V5 = "v5.channel.k8s.io";
    public const string V4 = "v4.channel.k8s.io";

    private const byte StdinChannel = 0;
    private const byte StdoutChannel = 1;
    private const byte StderrChannel = 2;
    private const byte ErrorChannel = 3;
    private const byte ResizeChannel = 4;
    private const byte CloseChannel = 255;
    private const int MaxMessage = 1024 * 1024;
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly Pipe _stdin = new(new PipeOptions(pauseWriterThreshold: 1024 * 1024, resumeWriterThreshold: 512 * 1024));
    private readonly Channel<TerminalSize> _resizes = Channel.CreateUnbounded<TerminalSize>();

    public async Task RunAsync(Func<ExecStreams, CancellationToken, Task<ExecResult>> run, CancellationToken cancel)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var receiving = ReceiveAsync(gone);
        var streams = new ExecStreams(
            stdin ? _stdin.Reader.AsStream() : null,
            stdout ? new ChannelStream(this, StdoutChannel, gone.Token) : null,
            stderr && !tty ? new ChannelStream(this, StderrChannel, gone.Token) : null,
            tty, tty ? Resizes(gone.Token) : null);
        JsonObject status;
        try
        {
            // The client may wait for a sign that the channels are there.
            if (stdout)
                await SendAsync(StdoutChannel, default, gone.Token);
            status = Status(await run(streams, gone.Token));
        }
        catch (ApiStatusException e)
        {
            status = StatusErrors.ToStatus(e);
        }
        catch (Exception e) when (gone.IsCancellationRequested && e is OperationCanceledException or WebSocketException or IOException)
        {
            return;
        }
        catch (Exception e)
        {
            status = StatusErrors.ToStatus(StatusErrors.Internal(e.Message));
        }
        await FinishAsync(status, cancel);
        // To cut the connection before the client has answered the close could take the status from it again (TCP reset).
        await Task.WhenAny(receiving, Task.Delay(ClosePatience, cancel));
        await gone.CancelAsync();
        await receiving;
    }

    private static JsonObject Status(ExecResult result)
    {
        if (result.ExitCode == 0)
            return new JsonObject { ["metadata"] = new JsonObject(), ["status"] = "Success" };
        return new JsonObject
        {
            ["metadata"] = new JsonObject(), ["status"] = "Failure",
            ["message"] = $"command terminated with non-zero exit code: exit status {result.ExitCode}", ["reason"] = "NonZeroExitCode",
            ["details"] = new JsonObject
            {
                ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ExitCode", ["message"] = result.ExitCode.ToString(System.Globalization.CultureInfo.InvariantCulture) }),
            },
        };
    }

    private async Task FinishAsync(JsonObject status, CancellationToken cancel)
    {
        try
        {
            await SendAsync(ErrorChannel, Encoding.UTF8.GetBytes(status.ToJsonString()), cancel);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancel);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client did not wait for the end.
        }
    }

    private async Task ReceiveAsync(CancellationTokenSource gone)
    {
        var buffer = new byte[32 * 1024];
        var message = new MemoryStream();
        try
        {
            while (true)
            {
                message.SetLength(0);
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await socket.ReceiveAsync(buffer.AsMemory(), gone.Token);
                    if (part.MessageType == WebSocketMessageType.Close || message.Length > MaxMessage)
                        return;
                    message.Write(buffer, 0, part.Count);
                }
                while (!part.EndOfMessage);
                if (message.Length > 0)
                    await DispatchAsync(message.GetBuffer().AsMemory(0, (int)message.Length), gone.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException)
        {
            // Cut off, by the client or because the command has ended.
        }
        finally
        {
            await _stdin.Writer.CompleteAsync();
            _resizes.Writer.TryComplete();
            // A command whose client is gone has nobody to talk to.
            await gone.CancelAsync();
        }
    }

    private async Task DispatchAsync(ReadOnlyMemory<byte> message, CancellationToken cancel)
    {
        var body = message[1..];
        switch (message.Span[0])
        {
            case StdinChannel when stdin && body.Length > 0:
                await _stdin.Writer.WriteAsync(body, cancel);
                break;
            case ResizeChannel:
                try
                {
                    var size = Json.Parse(body.Span);
                    if (Json.Integer(size?["Width"]) is { } width && Json.Integer(size!["Height"]) is { } height)
                        _resizes.Writer.TryWrite(new TerminalSize((int)width, (int)height));
                }
                catch (System.Text.Json.JsonException)
                {
                    // A size that cannot be read is no reason to end a session.
                }
                break;
            case CloseChannel when body.Length > 0 && body.Span[0] == StdinChannel:
                await _stdin.Writer.CompleteAsync();
                break;
        }
    }

    private async IAsyncEnumerable<TerminalSize> Resizes([EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var size in _resizes.Reader.ReadAllAsync(cancel))
            yield return size;
    }

    private async Task SendAsync(byte channel, ReadOnlyMemory<byte> data, CancellationToken cancel)
    {
        var message = new byte[data.Length + 1];
        message[0] = channel;
        data.CopyTo(message.AsMemory(1));
        await _sending.WaitAsync(cancel);
        try
        {
            await socket.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, cancel);
        }
        finally
        {
            _sending.Release();
        }
    }

    private sealed class ChannelStream(ExecSession session, byte channel, CancellationToken gone) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        // An empty message is no output, and some clients take it for the end.
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!buffer.IsEmpty)
                await session.SendAsync(channel, buffer, gone);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

        public override void Flush()
        {
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
