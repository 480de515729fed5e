using Weft.Kernel.Processes;
using Weft.KubeApi.Streams;
using Weft.Lab.Daemon;

namespace Weft.Lab.Kubelet;

/// <summary>An exec with a terminal: the command gets a pseudo-terminal as its controlling one, by setsid(1) of util-linux.</summary>
internal static class TerminalExec
{
    public static async Task<ExecResult> RunAsync(
        ContainerRun run, IReadOnlyList<string> command, string specFile, ExecStreams streams, CancellationToken cancel)
    {
        using var terminal = PseudoTerminal.Open();
        var spec = ContainerExec.Spec(run, command);
        // The shell opens the terminal while the host's /dev is still in sight; the container's is the same one.
        spec = spec with
        {
            Command = ["/bin/sh", "-c", "tty=$1; shift; exec setsid --ctty \"$@\" <\"$tty\" >\"$tty\" 2>&1", "sh", terminal.Path, .. spec.Command],
            Environment = new Dictionary<string, string>(spec.Environment) { ["TERM"] = "xterm" },
        };
        // Held open here until the command ends: without it the terminal hangs up in the moment before the shell has opened it.
        using var held = new FileStream(terminal.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        using var process = ContainerProcess.Start(spec, specFile);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        await using var master = terminal.OpenStream();
        var output = Task.Run(() => Output(master, streams.Stdout, stop.Token), CancellationToken.None);
        if (streams.Stdin is { } input)
            _ = InputAsync(input, master, stop.Token);
        if (streams.Resizes is { } resizes)
            _ = ResizeAsync(resizes, terminal, stop.Token);
        try
        {
            await process.WaitForExitAsync(cancel);
            held.Dispose();
            // What is left in the terminal's buffer comes before the end of file.
            await Task.WhenAny(output, Task.Delay(1000, CancellationToken.None));
            return new ExecResult(process.ExitCode);
        }
        finally
        {
            ContainerExec.Kill(process);
            await stop.CancelAsync();
        }
    }

    private static void Output(Stream master, Stream? to, CancellationToken cancel)
    {
        byte[] buffer = new byte[16 * 1024];
        try
        {
            int read;
            while (!cancel.IsCancellationRequested && (read = master.Read(buffer)) > 0)
            {
                to?.WriteAsync(buffer.AsMemory(0, read), cancel).AsTask().GetAwaiter().GetResult();
                to?.FlushAsync(cancel).GetAwaiter().GetResult();
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or UnauthorizedAccessException)
        {
            // EIO is how a terminal says that its last program has gone (pty(7)).
        }
    }

    private static async Task InputAsync(Stream input, Stream master, CancellationToken cancel)
    {
        byte[] buffer = new byte[4096];
        try
        {
            int read;
            while ((read = await input.ReadAsync(buffer, cancel)) > 0)
                await master.WriteAsync(buffer.AsMemory(0, read), cancel);
            // End of input is control-D to a terminal.
            await master.WriteAsync(new byte[] { 4 }, cancel);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private static async Task ResizeAsync(IAsyncEnumerable<TerminalSize> sizes, PseudoTerminal terminal, CancellationToken cancel)
    {
        try
        {
            await foreach (var size in sizes.WithCancellation(cancel))
                terminal.Resize(size.Width, size.Height);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }
}
