using System.Diagnostics;
using System.Text.Json.Nodes;
using Weft.Kernel.Processes;
using Weft.Lab.Daemon;
using Weft.Lab.Objects;
using Weft.Lab.Topology;

namespace Weft.Lab.Tests.Runs;

/// <summary>A real lab for one test, with Debian's ptp plugin behind a stand-in for the agent, so that these tests judge the lab alone.</summary>
internal sealed class LabRun : IDisposable
{
    private const string Agent = """
        #!/bin/bash
        # Stands in for weft-agent: writes a network configuration for the node, opens the node to pods, and stays.
        while [ $# -gt 0 ]; do case $1 in --node) node=$2;; --kubeconfig) export KUBECONFIG=$2;; --cni-conf-dir) dir=$2;; --state-dir) state=$2;; esac; shift 2; done
        n=$(( ${node#node} - 1 ))
        cat > "$dir/.new" <<JSON
        {"cniVersion":"1.0.0","name":"standin","plugins":[{"type":"ptp","ipam":{"type":"host-local","subnet":"10.244.$n.0/24","dataDir":"$state/ipam","routes":[{"dst":"0.0.0.0/0"}]}}]}
        JSON
        mv "$dir/.new" "$dir/10-standin.conflist"
        until kubectl patch node "$node" --subresource=status --type=strategic \
          -p '{"status":{"conditions":[{"type":"NetworkUnavailable","status":"False","reason":"StandIn"}]}}'; do sleep 0.2; done
        kubectl taint node "$node" weft.dev/agent-not-ready-
        exec sleep infinity
        """;

    private static readonly string Scratch = Path.Combine(Path.GetTempPath(), $"weft-lab-tests-{Environment.ProcessId}");

    public LabRun(string name, int nodes = 2)
    {
        SkipUnlessPossible();
        Topology = LabTopology.Create(name, nodes, IpFamily.IPv4);
        Paths = new LabPaths(name);
        Before = MachineState.Of(name);
    }

    public LabTopology Topology { get; }

    public LabPaths Paths { get; }

    public MachineState Before { get; }

    private static void SkipUnlessPossible()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "a lab needs root");
        Skip.IfNot(File.Exists("/usr/lib/cni/ptp"), "needs Debian's containernetworking-plugins");
        Skip.IfNot(File.Exists("/usr/bin/kubectl") || File.Exists("/usr/local/bin/kubectl"), "needs kubectl");
        Directory.CreateDirectory(Scratch);
        string agent = Path.Combine(Scratch, "agent");
        if (!File.Exists(agent))
        {
            File.WriteAllText(agent, Agent.ReplaceLineEndings("\n"));
            File.SetUnixFileMode(agent, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        Environment.SetEnvironmentVariable("WEFT_STATE_DIR", Scratch);
        Environment.SetEnvironmentVariable("WEFT_AGENT", agent);
        Environment.SetEnvironmentVariable("WEFT_BIN", ProgramDirectory());
    }

    /// <summary>Where the build put the program: the same configuration and framework as these tests.</summary>
    private static string ProgramDirectory()
    {
        string here = AppContext.BaseDirectory.TrimEnd('/');
        string root = here[..here.IndexOf("/tests/Weft.Lab.Tests/", StringComparison.Ordinal)];
        return Path.Combine(root, "src", "Weft.Cli", here[(here.IndexOf("/Weft.Lab.Tests/", StringComparison.Ordinal) + "/Weft.Lab.Tests/".Length)..]);
    }

    public Task<bool> UpAsync() => LabManager.UpAsync(Topology, _ => { }, default);

    public async Task<JsonObject> StatusAsync() => (await LabManager.StateAsync(Topology.Name, default)).Status ?? [];

    public static void Kill(int pid)
    {
        using var process = PidHandle.TryOpen(pid);
        Assert.NotNull(process);
        process.Send(Signal.Kill);
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(10)));
    }

    public async Task<(int Status, string Output)> KubectlAsync(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("kubectl", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["KUBECONFIG"] = Paths.Kubeconfig;
        using var kubectl = Process.Start(start)!;
        await kubectl.StandardInput.WriteAsync(input);
        kubectl.StandardInput.Close();
        var errors = kubectl.StandardError.ReadToEndAsync();
        string output = await kubectl.StandardOutput.ReadToEndAsync();
        await kubectl.WaitForExitAsync();
        return (kubectl.ExitCode, output + await errors);
    }

    public async Task<string> ApplyAsync(string yaml)
    {
        var (status, output) = await KubectlAsync(yaml, "apply", "-f", "-");
        Assert.True(status == 0, output);
        return output;
    }

    /// <summary>Asks kubectl until the answer is the one expected.</summary>
    public async Task UntilAsync(Func<string, bool> good, params string[] arguments)
    {
        string last = "";
        for (int i = 0; i < 150; i++)
        {
            last = (await KubectlAsync("", arguments)).Output;
            if (good(last))
                return;
            await Task.Delay(200);
        }

        Assert.Fail($"kubectl {string.Join(' ', arguments)}: {last}");
    }

    /// <summary>Takes the lab down and compares the machine with what it was before.</summary>
    public void DownAndCompare()
    {
        Assert.True(LabManager.Down(Topology.Name));
        Assert.Equal(Before.Things, MachineState.Of(Topology.Name).Things);
    }

    public void Dispose() => LabManager.Down(Topology.Name);
}
