using System.Diagnostics;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Processes;

namespace Weft.Kernel.Tests;

public sealed class ContainerLauncherTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("weft-test-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [SkippableFact]
    public void CommandRunsInItsNamespacesCgroupAndMounts()
    {
        using var namespaces = new RealNamespaces();
        var (network, _) = namespaces.Add();
        var cgroup = Cgroup.Root().Child($"weft-test-{Environment.ProcessId}").Child("pod");
        cgroup.Create();
        try
        {
            File.WriteAllText($"{_directory}/hosts", "192.0.2.1 from-the-pod\n");
            Directory.CreateDirectory($"{_directory}/volume");
            Directory.CreateDirectory($"{_directory}/scratch");
            File.WriteAllText($"{_directory}/volume/file", "shared\n");
            var (code, output, error) = Run(new ContainerSpec
            {
                Command = ["sh", "-c", "cat /etc/hosts; cat /weft-test-target/a/file; cat /run/weft-test-target/file; hostname; pwd; echo $GREETING; "
                    + "cat /proc/self/cgroup; readlink /proc/self/ns/net; echo written >/weft-test-target/a/answer; "
                    + "echo no >/run/weft-test-target/answer || echo read-only; grep SigIgn /proc/self/status; ls /proc/self/fd | wc -l"],
                Environment = new Dictionary<string, string> { ["GREETING"] = "hello there", ["PATH"] = "/usr/bin:/bin" },
                NetNamespacePath = network.Path,
                CgroupPath = cgroup.Path,
                Mounts =
                [
                    new($"{_directory}/hosts", "/etc/hosts"),
                    new($"{_directory}/volume", "/weft-test-target/a"),
                    new($"{_directory}/volume", "/run/weft-test-target", ReadOnly: true),
                ],
                ScratchDirectory = $"{_directory}/scratch",
                HostName = "pod-1",
                WorkingDirectory = "/weft-test-target/work",
            });
            Assert.True(code == 0, error);
            var lines = output.Split('\n');
            Assert.Equal(
                ["192.0.2.1 from-the-pod", "shared", "shared", "pod-1", "/weft-test-target/work", "hello there"], lines[..6]);
            Assert.Contains(lines, l => l.EndsWith($"weft-test-{Environment.ProcessId}/pod", StringComparison.Ordinal));
            Assert.Contains($"net:[{network.Identity}]", lines);
            Assert.Contains("read-only", lines);
            // .NET ignores SIGPIPE, and a shell would inherit that.
            Assert.Contains("SigIgn:\t0000000000000000", lines);
            Assert.Equal("written\n", File.ReadAllText($"{_directory}/volume/answer"));
            Assert.False(Path.Exists("/weft-test-target"), "a mount point was made on the host");
            Assert.False(Path.Exists("/run/weft-test-target"), "a mount point was made on the host");
            Assert.DoesNotContain("from-the-pod", File.ReadAllText("/etc/hosts"));
        }
        finally
        {
            Assert.True(Cgroup.Root().Child($"weft-test-{Environment.ProcessId}").Delete(TimeSpan.FromSeconds(5)));
        }
    }

    [SkippableFact]
    public void CommandRunsAsTheUserGiven()
    {
        RealNamespaces.RequireRoot();
        var (code, output, error) = Run(new ContainerSpec { Command = ["/bin/sh", "-c", "id -u; id -g; id -G"], UserId = 65534, GroupId = 65533 });
        Assert.True(code == 0, error);
        Assert.Equal("65534\n65533\n65533\n", output);
    }

    [SkippableFact]
    public void FailuresNameTheStep()
    {
        RealNamespaces.RequireRoot();
        Assert.Contains("execute no-such-command: ENOENT", Run(new ContainerSpec { Command = ["no-such-command"] }).Error);
        Assert.Contains("/etc/passwd", Run(new ContainerSpec { Command = ["true"], NetNamespacePath = "/etc/passwd" }).Error);
        Assert.Contains("/no/such/source", Run(new ContainerSpec { Command = ["true"], Mounts = [new("/no/such/source", "/etc/hosts")] }).Error);
        Assert.Contains("scratch", Run(new ContainerSpec { Command = ["true"], WorkingDirectory = "/no/such/directory" }).Error);
        Assert.Contains("/no/cgroup", Run(new ContainerSpec { Command = ["true"], CgroupPath = "/no/cgroup" }).Error);
    }

    [Fact]
    public void SpecificationSurvivesJson()
    {
        var spec = new ContainerSpec { Command = ["a", "b"], Mounts = [new("/s", "/t", true)], UserId = 7, Environment = new Dictionary<string, string> { ["A"] = "b=c" } };
        var again = ContainerSpec.Parse(spec.ToJson());
        Assert.Equal(spec.ToJson(), again.ToJson());
        Assert.Equal(new ContainerMount("/s", "/t", true), Assert.Single(again.Mounts));
    }

    private (int Code, string Output, string Error) Run(ContainerSpec spec)
    {
        var path = $"{_directory}/spec.json";
        File.WriteAllText(path, spec.ToJson());
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileName(host) == "dotnet" ? host : "dotnet",
            [typeof(LaunchProgram).Assembly.Location, path]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
