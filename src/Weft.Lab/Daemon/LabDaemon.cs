using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Weft.Kernel;
using Weft.KubeApi;
using Weft.KubeApi.Client;
using Weft.Lab.Controllers;
using Weft.Lab.Informers;
using Weft.Lab.Kubelet;
using Weft.Lab.Network;
using Weft.Lab.Objects;
using Weft.Lab.Scheduling;
using Weft.Lab.Topology;

namespace Weft.Lab.Daemon;

/// <summary>
/// The one process behind a lab: machines, the API, the scheduler, the controllers and every node's kubelet. It may be killed at any
/// moment: the next one finds the objects in the API's database and starts the rest afresh.
/// </summary>
public sealed class LabDaemon
{
    /// <summary>Where nodes and pods reach the API, at the bridge's address.</summary>
    public const int NodeApiPort = 6443;

    private readonly LabTopology _topology;
    private readonly LabPaths _paths;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly LabLog _log;
    private readonly ProgressFile _progress;
    private string _phase = "starting";
    private ApiServer? _api;
    private InformerSet? _informers;
    private IReadOnlyDictionary<string, AgentSupervisor> _agents = new Dictionary<string, AgentSupervisor>();

    private LabDaemon(LabTopology topology)
    {
        _topology = topology;
        _paths = new LabPaths(topology.Name);
        _log = new LabLog(Console.Out, _time);
        _progress = new ProgressFile(_paths);
    }

    /// <summary>Runs a lab until SIGTERM or SIGINT.</summary>
    /// <returns>The exit status of the process.</returns>
    public static async Task<int> RunAsync(string name)
    {
        var paths = new LabPaths(name);
        var topology = LabManager.TryReadTopology(paths);
        if (topology is null)
        {
            await Console.Error.WriteLineAsync($"{paths.TopologyFile} is missing or damaged: use weft lab down --name {name} and weft lab up");
            return 1;
        }

        using var stop = new CancellationTokenSource();
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }

        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, c => c.Cancel = true);
        return await new LabDaemon(topology).ServeAsync(stop);
    }

    private async Task<int> ServeAsync(CancellationTokenSource stop)
    {
        var cancel = stop.Token;
        try
        {
            JoinOwnGroup();
            await BringUpAsync(cancel);
            await Task.Delay(Timeout.Infinite, cancel);
            return 0;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            _log.Info("lab", "stopping");
            return 0;
        }
        catch (Exception e)
        {
            _phase = "failed";
            _log.Warn("lab", e.ToString());
            _progress.Report(new LabProgress(ProgressKind.Failed, e is KernelException or LabException or ApiStatusException or IOException or SocketException
                ? e.Message : $"{e.GetType().Name}: {e.Message}"));
            return 1;
        }
        finally
        {
            await stop.CancelAsync();
            LabProcesses.Group(_paths).Child("agents").Delete(TimeSpan.FromSeconds(5));
            LabProcesses.PodsGroup(_paths).Delete(TimeSpan.FromSeconds(5));
            if (_api is not null)
                await _api.DisposeAsync();
            File.Delete(_paths.ControlSocket);
        }
    }

    /// <summary>What an earlier daemon left running goes: its objects say what is to run, and it all starts afresh.</summary>
    private void JoinOwnGroup()
    {
        LabProcesses.Group(_paths).Child("agents").Delete(TimeSpan.FromSeconds(10));
        LabProcesses.PodsGroup(_paths).Delete(TimeSpan.FromSeconds(10));
        // A configuration that an agent wrote in an earlier life says nothing about this one.
        foreach (var node in _topology.Nodes)
        {
            if (Directory.Exists(_paths.CniConfDir(node.Name)))
                Directory.Delete(_paths.CniConfDir(node.Name), recursive: true);
        }

        var own = LabProcesses.DaemonGroup(_paths);
        own.Create();
        own.Add(Environment.ProcessId);
    }

    private async Task BringUpAsync(CancellationToken cancel)
    {
        Step("starting the API");
        var network = new LabNetwork(_topology);
        network.EnsureUnderlay();
        var machines = Task.Run(() => network.EnsureMachines(n => _progress.Report(
            new LabProgress(ProgressKind.Step, "making machines", n, _topology.NodeCount + 1))), cancel);
        // The API's own start (certificates, database) needs the underlay for its second listener, but no machine.
        _api = await StartApiAsync(network, cancel);
        _informers = new InformerSet(_api.Client, _time);
        _ = ControlSocket.ServeAsync(_paths, Status, cancel);
        await new Bootstrap(_api.Client, _topology, _time).RunAsync(NodeApiPort, cancel);
        await machines;
        Step("starting controllers and agents");
        var events = new EventRecorder(_api.Client, _time);
        var kubelets = new KubeletSet(_topology, _informers, _api, events, _time, _log);
        _api.PodStreams = kubelets.Streams;
        var controllers = ControllerSet.Create(_topology, _api, _informers, events, _log);
        var loops = new List<Task> { events.RunAsync(cancel), _informers.RunAsync(cancel) };
        await _informers.Synced.WaitAsync(cancel);
        _agents = _topology.Nodes.ToDictionary(n => n.Name, n => new AgentSupervisor(_topology, n, _time, _log));
        loops.AddRange(_agents.Values.Select(a => a.RunAsync(cancel)));
        loops.AddRange(controllers.Select(c => c.RunAsync(cancel)));
        loops.Add(kubelets.RunAsync(cancel));
        loops.Add(new DnsRelay(network, _topology, _log).RunAsync(cancel));
        foreach (var loop in loops)
            _ = WatchAsync(loop, cancel);
        await NodesReadyAsync(cancel);
        _phase = "ready";
        _progress.Report(new LabProgress(ProgressKind.Ready, "all nodes are ready", _topology.NodeCount, _topology.NodeCount));
        _log.Info("lab", "ready");
    }

    private void Step(string message)
    {
        _log.Info("lab", message);
        _progress.Report(new LabProgress(ProgressKind.Step, message));
    }

    /// <summary>A loop that ends early is a defect that must be seen, not a part that silently stands still.</summary>
    private async Task WatchAsync(Task loop, CancellationToken cancel)
    {
        try
        {
            await loop;
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            _log.Warn("lab", $"a loop ended: {e}");
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task<ApiServer> StartApiAsync(LabNetwork network, CancellationToken cancel)
    {
        var listeners = new List<ApiListener> { ApiListener.At(new IPEndPoint(IPAddress.Loopback, PreferredPort())) };
        foreach (var address in _topology.BridgeAddresses)
        {
            var socket = network.ListenInUnderlay(address, NodeApiPort);
            listeners.Add(ApiListener.OnSocket((ulong)socket.SafeHandle.DangerousGetHandle()));
            // The server owns the descriptor from here on.
            socket.SafeHandle.SetHandleAsInvalid();
        }

        var names = _topology.BridgeAddresses.Select(a => a.ToString())
            .Append("kubernetes").Append("kubernetes.default").Append("kubernetes.default.svc").Append("kubernetes.default.svc." + LabTopology.ClusterDomain)
            .Concat(_topology.ServiceCidrs.Select(c => c.AddressAt(1).ToString()));
        var api = await ApiServer.StartAsync(new ApiServerOptions
        {
            DataDirectory = Path.Combine(_paths.State, "api"),
            Listeners = listeners,
            SubjectAlternativeNames = [.. names],
            TimeProvider = _time,
            Admission = [ServiceAccountAdmission.AdmitAsync],
        }, cancel);
        int port = api.Endpoints[0].Port;
        await File.WriteAllTextAsync(PortFile, port.ToString(System.Globalization.CultureInfo.InvariantCulture), cancel);
        api.WriteKubeconfig(_paths.Kubeconfig, $"https://127.0.0.1:{port}", "weft-" + _topology.Name);
        var bridge = _topology.BridgeAddresses[0];
        string host = bridge.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{bridge}]" : bridge.ToString();
        api.WriteKubeconfig(_paths.NodeKubeconfig, $"https://{host}:{NodeApiPort}", "weft-" + _topology.Name);
        return api;
    }

    private string PortFile => Path.Combine(_paths.State, "api.port");

    /// <summary>The port of the last run while it is free, so that an open kubectl goes on after a restart; else any.</summary>
    private int PreferredPort()
    {
        try
        {
            int port = int.Parse(File.ReadAllText(PortFile), System.Globalization.CultureInfo.InvariantCulture);
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            probe.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return port;
        }
        catch (Exception e) when (e is IOException or FormatException or SocketException or OverflowException)
        {
            return 0;
        }
    }

    private async Task NodesReadyAsync(CancellationToken cancel)
    {
        var nodes = _informers!.For("nodes");
        int last = -1;
        long deadline = Environment.TickCount64 + 90_000;
        while (true)
        {
            // Taints go a moment after the node is ready; until then its first pods would be refused.
            int ready = nodes.All.Count(n => Conditions.IsTrue(n, "Ready") && !n.Items("spec", "taints").Any(t => t.Str("effect") != "PreferNoSchedule"));
            if (ready != last)
                _progress.Report(new LabProgress(ProgressKind.Step, "waiting for agents", ready, _topology.NodeCount));
            last = ready;
            if (ready == _topology.NodeCount)
                return;
            if (Environment.TickCount64 > deadline)
            {
                var late = nodes.All.FirstOrDefault(n => !Conditions.IsTrue(n, "Ready")) ?? nodes.All.First();
                throw new LabException(
                    $"node {late.Name()} is not ready: {Conditions.Find(late, "Ready").Str("message")} (see {_paths.AgentLog(late.Name())})");
            }

            await Task.Delay(20, cancel);
        }
    }

    private JsonObject Status()
    {
        var nodes = new JsonArray();
        foreach (var node in _topology.Nodes)
        {
            var obj = _informers?.For("nodes").Get("", node.Name);
            nodes.Add((JsonNode)new JsonObject
            {
                ["name"] = node.Name,
                ["ready"] = obj is not null && Conditions.IsTrue(obj, "Ready"),
                ["message"] = obj is null ? "unknown" : Conditions.Find(obj, "Ready").Str("message"),
                ["addresses"] = node.Addresses.Select(a => a.ToString()).ToJsonArray(),
                ["podCIDRs"] = node.PodCidrs.Select(c => c.ToString()).ToJsonArray(),
                ["zone"] = node.Zone,
                ["agentPid"] = _agents.TryGetValue(node.Name, out var agent) ? agent.Pid : 0,
                ["pods"] = _informers?.For("pods").All.Count(p => p.Str("spec", "nodeName") == node.Name) ?? 0,
                ["podsReady"] = _informers?.For("pods").All.Count(p => p.Str("spec", "nodeName") == node.Name && Conditions.IsTrue(p, "Ready")) ?? 0,
            });
        }

        return new JsonObject
        {
            ["name"] = _topology.Name,
            ["phase"] = _phase,
            ["pid"] = Environment.ProcessId,
            ["nodesWanted"] = _topology.NodeCount,
            ["ipFamily"] = _topology.Family.ToText(),
            ["api"] = _api?.Endpoints is [var endpoint, ..] ? $"https://{endpoint}" : null,
            ["kubeconfig"] = _paths.Kubeconfig,
            ["nodes"] = nodes,
        };
    }
}
