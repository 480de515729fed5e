using System.Diagnostics;
using Weft.Kernel.Processes;
using Weft.Lab.Network;
using Weft.Lab.Topology;

namespace Weft.Lab.Daemon;

/// <summary>Keeps one node's agent running in the node's namespace, as systemd would on a machine.</summary>
internal sealed class AgentSupervisor(LabTopology topology, LabNode node, TimeProvider time, LabLog log)
{
    private static readonly TimeSpan FirstRestart = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestRestart = TimeSpan.FromSeconds(10);
    private const long LogLimit = 10 * 1024 * 1024;

    private readonly LabPaths _paths = new(topology.Name);

    /// <summary>0 while none runs.</summary>
    public int Pid { get; private set; }

    public async Task RunAsync(CancellationToken cancel)
    {
        var delay = FirstRestart;
        while (!cancel.IsCancellationRequested)
        {
            long started = time.GetTimestamp();
            try
            {
                await RunOnceAsync(cancel);
            }
            catch (Exception e) when (e is IOException or System.ComponentModel.Win32Exception or UnauthorizedAccessException)
            {
                log.Warn("agents", $"{node.Name}: the agent cannot be started: {e.Message}");
            }

            if (cancel.IsCancellationRequested)
                return;
            delay = time.GetElapsedTime(started) > TimeSpan.FromSeconds(30) ? FirstRestart : Min(delay * 2, LongestRestart);
            await Task.Delay(delay, time, cancel).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private async Task RunOnceAsync(CancellationToken cancel)
    {
        var group = LabProcesses.AgentGroup(_paths, node.Name);
        group.Create();
        Directory.CreateDirectory(_paths.CniConfDir(node.Name));
        string state = Path.Combine(_paths.NodeState(node.Name), "agent");
        Directory.CreateDirectory(state);
        var spec = new ContainerSpec
        {
            Command = [LabBinaries.Agent, .. Arguments(state)],
            Environment = AgentEnvironment(),
            NetNamespacePath = LabPaths.NetNamespacePath(_paths.NodeNamespace(node.Name)),
            CgroupPath = group.Path,
            HostName = node.Name,
        };
        using var process = ContainerProcess.Start(spec, Path.Combine(_paths.NodeRuntime(node.Name), "agent.json"));
        Pid = process.Id;
        await using var output = new RotatingFile(_paths.AgentLog(node.Name), LogLimit);
        await Task.WhenAll(Pump(process.StandardOutput, output), Pump(process.StandardError, output));
        await process.WaitForExitAsync(CancellationToken.None);
        Pid = 0;
        if (!cancel.IsCancellationRequested)
            log.Warn("agents", $"{node.Name}: the agent ended with status {process.ExitCode}; starting it again");
    }

    private static async Task Pump(StreamReader from, RotatingFile to)
    {
        while (await from.ReadLineAsync() is { } line)
            to.WriteLine(line);
    }

    private IEnumerable<string> Arguments(string state) =>
    [
        "--node", node.Name,
        "--kubeconfig", _paths.NodeKubeconfig,
        "--cni-conf-dir", _paths.CniConfDir(node.Name),
        "--cni-socket", _paths.CniSocket(node.Name),
        "--state-dir", state,
        "--underlay-link", LabNetwork.UnderlayLink,
        "--cluster-cidr", string.Join(',', topology.ClusterCidrs),
        "--service-cidr", string.Join(',', topology.ServiceCidrs),
        "--cluster-dns", string.Join(',', topology.DnsAddresses),
        "--cluster-domain", LabTopology.ClusterDomain,
        "--dns-upstream", string.Join(',', topology.BridgeAddresses),
        "--health-socket", _paths.HealthSocket(node.Name),
    ];

    /// <summary>The agent's own settings (WEFT_...) pass through; nothing else of the caller's environment does.</summary>
    private static Dictionary<string, string> AgentEnvironment()
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOME"] = "/root",
        };
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            if (entry.Key is string key && (key.StartsWith("WEFT_", StringComparison.Ordinal) || key.StartsWith("DOTNET_", StringComparison.Ordinal)))
                environment[key] = entry.Value as string ?? "";
        }

        return environment;
    }
}
