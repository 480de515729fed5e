using System.Net.Sockets;
using Weft.Wire.Cni;

namespace Weft.Agent.Cni;

/// <summary>
/// The agent's Unix socket for weft-cni: one request a connection (<see cref="AgentProtocol"/>), many connections at once. What a client
/// sends can fail its own connection only.
/// </summary>
public sealed class CniServer : IAsyncDisposable
{
    private readonly CniOperations _operations;
    private readonly CniServerOptions _options;
    private readonly Socket _listener;
    private readonly SemaphoreSlim _slots;
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<Task> _running = [];
    private readonly Task _accepting;

    private CniServer(CniOperations operations, CniServerOptions options, Socket listener)
    {
        (_operations, _options, _listener) = (operations, options, listener);
        _slots = new SemaphoreSlim(options.MaxConnections);
        _accepting = AcceptAsync();
    }

    /// <summary>Listens, replacing a socket file that a dead agent left. Call <see cref="CniOperations.Restore"/> first.</summary>
    /// <exception cref="IOException">The path holds something other than a dead socket, or cannot be used.</exception>
    public static CniServer Start(CniOperations operations, CniServerOptions options)
    {
        var path = options.SocketPath;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        UnixSocketFile.RequireFree(path);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // Bound under another name and moved when its mode is right: nobody can connect in between, nor find a socket that does not listen.
            var temporary = path + ".new";
            File.Delete(temporary);
            listener.Bind(new UnixDomainSocketEndPoint(temporary));
            File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(512);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            listener.Dispose();
            throw new IOException($"cannot listen on {path}: {e.Message}", e);
        }
        return new CniServer(operations, options, listener);
    }

    /// <summary>Stops accepting, lets what runs finish for a few seconds, and removes the socket.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        File.Delete(_options.SocketPath);
        _listener.Dispose();
        await _accepting;
        Task[] running;
        lock (_running)
            running = [.. _running];
        var all = Task.WhenAll(running);
        await Task.WhenAny(all, Task.Delay(TimeSpan.FromSeconds(5)));
        await _stop.CancelAsync();
        await all;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            await _slots.WaitAsync();
            Socket connection;
            try
            {
                connection = await _listener.AcceptAsync();
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of file descriptors, for instance: a pause lets those in use come back.
                _options.Log($"accept on {_options.SocketPath}: {e.Message}");
                _slots.Release();
                await Task.Delay(100);
                continue;
            }
            var task = ServeAsync(connection);
            lock (_running)
                _running.Add(task);
            _ = task.ContinueWith(
                done =>
                {
                    lock (_running)
                        _running.Remove(done);
                    _slots.Release();
                },
                TaskScheduler.Default);
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        using var owned = connection;
        try
        {
            CniAnswer answer;
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                limit.CancelAfter(_options.RequestTimeout);
                var header = new byte[AgentProtocol.HeaderBytes];
                await ReceiveAsync(connection, header, limit.Token);
                var body = new byte[AgentProtocol.ReadHeader(header)];
                await ReceiveAsync(connection, body, limit.Token);
                answer = await _operations.AnswerAsync(AgentProtocol.ReadRequest(body), _stop.Token);
            }
            catch (CniException e)
            {
                answer = new CniAnswer(new AgentResponse(true, CniJson.Error(CniVersions.Newest, e)));
            }
            await DeliverAsync(connection, answer);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            // The client went away or was too slow. A runtime that gave up on ADD calls DEL.
            _options.Log($"{_options.SocketPath}: connection ended early: {e.Message}");
        }
    }

    private async Task DeliverAsync(Socket connection, CniAnswer answer)
    {
        try
        {
            await SendAsync(connection, AgentProtocol.Write(answer.Response), _stop.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            if (answer.Undo is { } undo)
                await undo();
            throw;
        }
    }

    private static async Task ReceiveAsync(Socket socket, Memory<byte> buffer, CancellationToken cancel)
    {
        while (buffer.Length > 0)
        {
            var count = await socket.ReceiveAsync(buffer, SocketFlags.None, cancel);
            if (count == 0)
                throw new IOException("the client closed the connection before its request was complete");
            buffer = buffer[count..];
        }
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> buffer, CancellationToken cancel)
    {
        while (buffer.Length > 0)
            buffer = buffer[await socket.SendAsync(buffer, SocketFlags.None, cancel)..];
    }
}
