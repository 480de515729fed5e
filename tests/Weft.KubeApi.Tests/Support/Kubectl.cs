using System.Diagnostics;

namespace Weft.KubeApi.Tests.Support;

/// <summary>Runs the real kubectl against a test server.</summary>
internal sealed class Kubectl(TestServer server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static bool Installed { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, "kubectl")));

    /// <summary>Exit code, standard output and standard error.</summary>
    public async Task<(int Code, string Out, string Error)> TryAsync(string? stdin, params string[] arguments)
    {
        using var process = Start(arguments);
        if (stdin is not null)
            await process.StandardInput.WriteAsync(stdin);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"kubectl {string.Join(' ', arguments)} did not end: {await output} {await error}");
        }
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Standard output of a command that must succeed.</summary>
    public async Task<string> RunAsync(params string[] arguments) => await RunWithInputAsync(null, arguments);

    public async Task<string> RunWithInputAsync(string? stdin, params string[] arguments)
    {
        var (code, output, error) = await TryAsync(stdin, arguments);
        return code == 0 ? output : throw new InvalidOperationException($"kubectl {string.Join(' ', arguments)} ended with {code}: {error}{output}");
    }

    public Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("kubectl")
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.ArgumentList.Add("--cache-dir=" + Path.Combine(server.Directory, "cache"));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["KUBECONFIG"] = server.KubeconfigPath;
        start.Environment["HOME"] = server.Directory;
        return Process.Start(start)!;
    }
}
