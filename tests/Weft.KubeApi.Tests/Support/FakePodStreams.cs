using System.IO.Pipelines;
using System.Text;
using Weft.KubeApi.Client;
using Weft.KubeApi.Streams;

namespace Weft.KubeApi.Tests.Support;

/// <summary>A node agent without a node: echoes what it is given and says what it was asked.</summary>
internal sealed class FakePodStreams : IPodStreams
{
    public async Task LogsAsync(PodTarget target, LogOptions options, Stream output, CancellationToken cancel)
    {
        await output.WriteAsync(Encoding.UTF8.GetBytes($"log of {target.Pod}/{target.Container} tail={options.TailLines} follow={options.Follow}\n"), cancel);
    }

    /// <summary><c>cat</c> copies its input, <c>fail N</c> ends with N.</summary>
    public async Task<ExecResult> ExecAsync(PodTarget target, IReadOnlyList<string> command, ExecStreams streams, CancellationToken cancel)
    {
        switch (command[0])
        {
            case "cat":
                await streams.Stdin!.CopyToAsync(streams.Stdout!, cancel);
                return new ExecResult(0);
            case "fail":
                await streams.Stderr!.WriteAsync("failing\n"u8.ToArray(), cancel);
                return new ExecResult(int.Parse(command[1]));
            default:
                await streams.Stdout!.WriteAsync(Encoding.UTF8.GetBytes(string.Join(' ', command) + "\n"), cancel);
                return new ExecResult(0);
        }
    }

    public Task<ExecResult> AttachAsync(PodTarget target, ExecStreams streams, CancellationToken cancel) =>
        ExecAsync(target, ["attached"], streams, cancel);

    /// <summary>Port 7 echoes; nothing listens on any other.</summary>
    public Task<Stream> ConnectAsync(PodTarget target, int port, CancellationToken cancel)
    {
        if (port != 7)
            throw new ApiStatusException(500, "InternalError", $"connection refused by port {port}");
        var pipe = new Pipe();
        return Task.FromResult<Stream>(new Echo(pipe));
    }

    private sealed class Echo(Pipe pipe) : Stream
    {
        private readonly Stream _in = pipe.Reader.AsStream();
        private readonly Stream _out = pipe.Writer.AsStream();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _in.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await _out.WriteAsync(buffer, cancellationToken);
            await _out.FlushAsync(cancellationToken);
        }

        public override void Flush() => _out.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
