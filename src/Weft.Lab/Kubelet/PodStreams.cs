using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Weft.Kernel.Namespaces;
using Weft.KubeApi.Client;
using Weft.KubeApi.Streams;
using Weft.Lab.Daemon;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>kubectl's logs, exec, attach and port-forward, answered by the worker that runs the pod.</summary>
internal sealed class PodStreams(Func<string, string, PodWorker?> find, TimeProvider time) : IPodStreams
{
    public async Task LogsAsync(PodTarget target, LogOptions options, Stream output, CancellationToken cancel)
    {
        var (_, container) = Find(target);
        string? path = options.Previous ? container.PreviousLog : container.Run?.Log.Path;
        if (path is null)
        {
            throw Refused(400, "BadRequest", options.Previous
                ? $"previous terminated container \"{container.Name}\" in pod \"{target.Pod}\" not found"
                : $"container \"{container.Name}\" in pod \"{target.Pod}\" is waiting to start: {container.Status().Str("state", "waiting", "reason") ?? "ContainerCreating"}");
        }

        var run = container.Run;
        await ContainerLog.CopyAsync(path, options, output, time, () => !options.Previous && run is { HasEnded: false }, cancel);
    }

    public async Task<ExecResult> ExecAsync(PodTarget target, IReadOnlyList<string> command, ExecStreams streams, CancellationToken cancel)
    {
        var (worker, container) = Find(target);
        var run = Running(target, container);
        if (streams.Tty)
            return await TerminalExec.RunAsync(run, command, worker.Files.ExecSpecFile(), streams, cancel);
        using var process = ContainerProcess.Start(ContainerExec.Spec(run, command), worker.Files.ExecSpecFile(), withInput: streams.Stdin is not null);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            if (streams.Stdin is { } input)
                _ = FeedAsync(input, process, done.Token);
            var output = CopyAsync(process.StandardOutput.BaseStream, streams.Stdout, cancel);
            var errors = CopyAsync(process.StandardError.BaseStream, streams.Stderr, cancel);
            await Task.WhenAll(output, errors);
            await process.WaitForExitAsync(cancel);
            return new ExecResult(process.ExitCode);
        }
        catch (Exception) when (!process.HasExited)
        {
            ContainerExec.Kill(process);
            throw;
        }
        finally
        {
            await done.CancelAsync();
        }
    }

    public async Task<ExecResult> AttachAsync(PodTarget target, ExecStreams streams, CancellationToken cancel)
    {
        var (_, container) = Find(target);
        var run = Running(target, container);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var reader = run.Log.Attach();
        if (streams.Stdin is { } input && container.Spec.Flag("stdin"))
            _ = CopyInputAsync(input, run.StandardInput, container.Spec.Flag("stdinOnce"), done.Token);
        await foreach (var (isError, bytes) in reader.ReadAllAsync(cancel))
        {
            var to = isError ? streams.Stderr ?? streams.Stdout : streams.Stdout;
            if (to is null)
                continue;
            await to.WriteAsync(bytes, cancel);
            await to.FlushAsync(cancel);
        }

        await done.CancelAsync();
        await run.Ended.WaitAsync(cancel);
        return new ExecResult(run.ExitCode);
    }

    public async Task<Stream> ConnectAsync(PodTarget target, int port, CancellationToken cancel)
    {
        var worker = find(target.Namespace, target.Pod) ?? throw NotFound(target);
        var sandbox = worker.Sandbox ?? throw Refused(400, "BadRequest", $"pod {target.Pod} does not run");
        using var space = NetNamespace.Open(sandbox.NetNsPath);
        // Programs may listen on one family's loopback only.
        foreach (var address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
        {
            var socket = space.Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException)
            {
                socket.Dispose();
            }
        }

        throw Refused(500, "InternalError", $"nothing listens on port {port} of the loopback address in pod {target.Namespace}/{target.Pod}");
    }

    private (PodWorker Worker, Container Container) Find(PodTarget target)
    {
        var worker = find(target.Namespace, target.Pod) ?? throw NotFound(target);
        string? name = target.Container ?? worker.Pod.Annotation("kubectl.kubernetes.io/default-container");
        var container = string.IsNullOrEmpty(name)
            ? worker.Containers.FirstOrDefault(c => c.Role == ContainerRole.Main) : worker.Containers.FirstOrDefault(c => c.Name == name);
        return (worker, container ?? throw Refused(400, "BadRequest", $"container {name} is not valid for pod {target.Pod}"));
    }

    private static ContainerRun Running(PodTarget target, Container container) => container.Run is { HasEnded: false } run
        ? run : throw Refused(400, "BadRequest", $"container {container.Name} in pod {target.Pod} is not running");

    private static ApiStatusException NotFound(PodTarget target) =>
        Refused(404, "NotFound", $"pod {target.Namespace}/{target.Pod} runs on no node");

    private static ApiStatusException Refused(int code, string reason, string message) => new(code, reason, message);

    private static async Task CopyAsync(Stream from, Stream? to, CancellationToken cancel)
    {
        byte[] buffer = new byte[16 * 1024];
        int read;
        while ((read = await from.ReadAsync(buffer, cancel)) > 0)
        {
            if (to is null)
                continue;
            await to.WriteAsync(buffer.AsMemory(0, read), cancel);
            await to.FlushAsync(cancel);
        }
    }

    private static async Task FeedAsync(Stream input, Process process, CancellationToken cancel)
    {
        await CopyInputAsync(input, process.StandardInput.BaseStream, close: true, cancel);
    }

    private static async Task CopyInputAsync(Stream input, Stream to, bool close, CancellationToken cancel)
    {
        try
        {
            await CopyAsync(input, to, cancel);
            if (close)
                to.Close();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The command ended first, or the client went away.
        }
    }
}
