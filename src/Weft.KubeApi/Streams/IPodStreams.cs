namespace Weft.KubeApi.Streams;

/// <summary>Which container a stream is for; <see cref="Container"/> is null when the client named none and the pod has one.</summary>
public sealed record PodTarget(string Namespace, string Pod, string? Container);

/// <summary>Query of pods/log (core/v1 PodLogOptions).</summary>
public sealed record LogOptions(
    bool Follow, bool Previous, int? TailLines, int? SinceSeconds, DateTimeOffset? SinceTime, bool Timestamps, long? LimitBytes);

/// <summary>The streams of an exec or attach. A stream that the client did not ask for is null.</summary>
public sealed record ExecStreams(Stream? Stdin, Stream? Stdout, Stream? Stderr, bool Tty, IAsyncEnumerable<TerminalSize>? Resizes);

public readonly record struct TerminalSize(int Width, int Height);

/// <summary>How a command in a container ended.</summary>
public sealed record ExecResult(int ExitCode);

/// <summary>
/// What the API server asks of the node agent (kubelet) that runs a pod. Implementations throw
/// <see cref="Client.ApiStatusException"/> for pods and containers that do not exist or do not run.
/// </summary>
public interface IPodStreams
{
    Task LogsAsync(PodTarget target, LogOptions options, Stream output, CancellationToken cancel);

    Task<ExecResult> ExecAsync(PodTarget target, IReadOnlyList<string> command, ExecStreams streams, CancellationToken cancel);

    Task<ExecResult> AttachAsync(PodTarget target, ExecStreams streams, CancellationToken cancel);

    /// <summary>A connected byte stream to a port inside the pod's network namespace.</summary>
    Task<Stream> ConnectAsync(PodTarget target, int port, CancellationToken cancel);
}
