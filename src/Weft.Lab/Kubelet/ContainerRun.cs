using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Weft.Kernel.Processes;
using Weft.Lab.Daemon;
using Weft.Lab.Objects;

namespace Weft.Lab.Kubelet;

/// <summary>One start of a container's command, from its process to its end.</summary>
internal sealed class ContainerRun : IDisposable
{
    private readonly Process _process;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ContainerRun(Process process, Cgroup group, ContainerLog log, ContainerSpec spec, DateTimeOffset startedAt)
    {
        (_process, Group, Log, Spec, StartedAt) = (process, group, log, spec, startedAt);
        Pid = process.Id;
    }

    public int Pid { get; }

    public Cgroup Group { get; }

    public ContainerLog Log { get; }

    public ContainerSpec Spec { get; }

    public DateTimeOffset StartedAt { get; }

    public DateTimeOffset? FinishedAt { get; private set; }

    public int ExitCode { get; private set; }

    /// <summary>Why it could not be started at all, when that was so.</summary>
    public string? StartError { get; private set; }

    public bool HasEnded => FinishedAt is not null;

    public Task Ended => _ended.Task;

    public Stream StandardInput => _process.StandardInput.BaseStream;

    /// <summary>Starts and waits until the process is the container's command (or has failed to become it).</summary>
    public static async Task<ContainerRun> StartAsync(
        ContainerSpec spec, string specFile, Cgroup group, ContainerLog log, TimeProvider time, bool withInput, Action ended)
    {
        group.Create();
        var process = ContainerProcess.Start(spec, specFile, withInput);
        var run = new ContainerRun(process, group, log, spec, time.GetUtcNow());
        _ = run.FollowAsync(time, ended);
        // The command line of the launcher names the specification; after execve(2) it is the command's own.
        byte[] mark = Encoding.UTF8.GetBytes(specFile);
        for (int i = 0; i < 2500 && !run.HasEnded && IsLauncher(process.Id, mark); i++)
            await Task.Delay(2);
        return run;
    }

    private static bool IsLauncher(int pid, byte[] mark)
    {
        try
        {
            return File.ReadAllBytes($"/proc/{pid}/cmdline").AsSpan().IndexOf(mark) >= 0;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task FollowAsync(TimeProvider time, Action ended)
    {
        var errors = new FirstBytes(_process.StandardError.BaseStream);
        var output = Task.WhenAll(
            Log.PumpAsync(_process.StandardOutput.BaseStream, isError: false), Log.PumpAsync(errors, isError: true));
        await _process.WaitForExitAsync();
        int status = _process.ExitCode;
        // A container ends with its first process: what that left behind goes too, and closes the output.
        await Task.Run(() => Group.Delete(TimeSpan.FromSeconds(10)));
        await Task.WhenAny(output, Task.Delay(2000));
        if (status == ContainerProcess.CannotStart && errors.Text is { } said && said.StartsWith(ContainerProcess.ErrorPrefix, StringComparison.Ordinal))
        {
            StartError = said[ContainerProcess.ErrorPrefix.Length..].Trim();
            status = 128;
        }

        ExitCode = status;
        FinishedAt = time.GetUtcNow();
        Log.Dispose();
        _ended.TrySetResult();
        ended();
    }

    /// <summary>Sends a signal to the container's first process.</summary>
    public void Signal(Signal signal)
    {
        if (HasEnded)
            return;
        using var handle = PidHandle.TryOpen(Pid);
        handle?.Send(signal);
    }

    /// <summary>Ends everything in the container at once.</summary>
    public void Kill() => Group.Kill();

    public JsonObject TerminatedState(string containerId)
    {
        string reason = StartError is not null ? "StartError" : ExitCode == 0 ? "Completed" : "Error";
        var state = new JsonObject
        {
            ["exitCode"] = ExitCode,
            ["reason"] = reason,
            ["startedAt"] = StartedAt.ToTime(),
            ["finishedAt"] = (FinishedAt ?? StartedAt).ToTime(),
            ["containerID"] = containerId,
        };
        if (StartError is not null)
            state["message"] = StartError;
        return state;
    }

    public void Dispose() => _process.Dispose();

    /// <summary>Passes a stream on and remembers how it began.</summary>
    private sealed class FirstBytes(Stream inner) : Stream
    {
        private readonly MemoryStream _first = new();

        public string? Text => _first.Length == 0 ? null : Encoding.UTF8.GetString(_first.ToArray());

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken);
            if (_first.Length < 1024)
                _first.Write(buffer.Span[..Math.Min(read, 1024)]);
            return read;
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
