using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Weft.KubeApi;
using Weft.KubeApi.Client;
using Weft.Kernel.Mounts;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Routing;
using Weft.Lab.Daemon;
using Weft.Model.Routing;

namespace Weft.Drill;

/// <summary>The node under drill: the namespace that the process is in, an API server on its loopback, and an agent that dies and is started again.</summary>
internal sealed class DrillNode : IAsyncDisposable
{
    public const string Name = "drill";
    public const string PodNamespace = "drill";

    /// <summary>Small, so that addresses are used again many times, yet with room for all that live or rest at once.</summary>
    public static readonly string[] PodCidrs = ["10.64.0.0/22", "fd64::/64"];

    private const string Underlay = "eth0";
    private const int ApiPort = 6443;

    private readonly string _directory;
    private readonly ApiServer _api;
    private readonly SemaphoreSlim _restart = new(1);
    private Process? _agent;

    private DrillNode(string directory, ApiServer api) => (_directory, _api) = (directory, api);

    public IApiClient Api => _api.Client;

    public string CniSocket => Path.Combine(_directory, "cni.sock");

    public string HealthSocket => Path.Combine(_directory, "health.sock");

    public string StateDirectory => Path.Combine(_directory, "state");

    public string ConfigurationDirectory => Path.Combine(_directory, "net.d");

    public int Kills { get; private set; }

    public static async Task<DrillNode> StartAsync(string directory, CancellationToken cancel)
    {
        Directory.CreateDirectory(NetNamespace.Directory);
        Mounting.Tmpfs(NetNamespace.Directory, "mode=0755");
        using (var netlink = RouteNetlink.Open(NetNamespace.OfProcess()))
        using (var beyond = NetNamespace.Create("beyond"))
        {
            netlink.ExecuteAll(new SetLink("lo", Up: true), new AddVeth(Underlay, 1500, null, Underlay, null, beyond));
            netlink.ExecuteAll(new AddAddress(new LinkAddress(Underlay, IPAddress.Parse("172.31.0.1"), 24), PrefixRoute: true));
        }
        var api = await ApiServer.StartAsync(
            new ApiServerOptions
            {
                DataDirectory = Path.Combine(directory, "api"),
                Listeners = [ApiListener.At(new IPEndPoint(IPAddress.Loopback, ApiPort))],
                SubjectAlternativeNames = ["127.0.0.1"],
            },
            cancel);
        var node = new DrillNode(directory, api);
        api.WriteKubeconfig(node.Kubeconfig, $"https://127.0.0.1:{ApiPort}");
        await node.PopulateAsync(cancel);
        await node.StartAgentAsync(cancel);
        return node;
    }

    /// <summary>The last lines of the agents' log.</summary>
    public string LogTail(int lines) => File.Exists(Log) ? string.Join('\n', File.ReadLines(Log).TakeLast(lines)) : "";

    /// <summary>SIGKILL, then a new agent; returns when it serves.</summary>
    public async Task RestartAgentAsync(CancellationToken cancel)
    {
        await _restart.WaitAsync(cancel);
        try
        {
            await KillAgentAsync();
            await StartAgentAsync(cancel);
        }
        finally
        {
            _restart.Release();
        }
    }

    public async Task KillAgentAsync()
    {
        if (_agent is not { } agent)
            return;
        agent.Kill();
        await agent.WaitForExitAsync();
        agent.Dispose();
        _agent = null;
        Kills++;
    }

    public async Task StartAgentAsync(CancellationToken cancel)
    {
        // Weft's own, so that a restarted agent which does not show it yet is waited for.
        Directory.CreateDirectory(ConfigurationDirectory);
        File.Delete(CniSocket);
        var arguments = string.Join(' ', Arguments());
        // The shell only to append to one log; it is replaced by the agent.
        _agent = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"exec {LabBinaries.Agent} {arguments} >>{Log} 2>&1"]))!;
        var deadline = Stopwatch.StartNew();
        while (!File.Exists(CniSocket))
        {
            if (_agent.HasExited || deadline.Elapsed > TimeSpan.FromSeconds(60))
                throw new InvalidOperationException($"the agent does not serve; its log ends with\n{LogTail(20)}");
            await Task.Delay(2, cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAgentAsync();
        await _api.DisposeAsync();
    }

    private string Log => Path.Combine(_directory, "agent.log");

    private string Kubeconfig => Path.Combine(_directory, "kubeconfig");

    private IEnumerable<string> Arguments() =>
    [
        "--node", Name, "--kubeconfig", Kubeconfig, "--cni-conf-dir", ConfigurationDirectory, "--cni-socket", CniSocket, "--state-dir", StateDirectory,
        "--health-socket", HealthSocket, "--underlay-link", Underlay, "--cluster-cidr", "10.64.0.0/14,fd64::/56", "--service-cidr", "10.96.0.0/16",
        "--dns-upstream", "127.0.0.1:5353", "--address-rest", "1",
    ];

    private async Task PopulateAsync(CancellationToken cancel)
    {
        await Api.CreateAsync("nodes", "", Parse($$$"""
            {"apiVersion":"v1","kind":"Node","metadata":{"name":"{{{Name}}}"},"spec":{"podCIDRs":["{{{string.Join("\",\"", PodCidrs)}}}"]}}
            """), cancel);
        await Api.PatchAsync("nodes", "", Name, PatchKind.Merge, Parse("""{"status":{"addresses":[{"type":"InternalIP","address":"172.31.0.1"}]}}"""), "status", cancel);
        await Api.CreateAsync("namespaces", "", Parse($$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{PodNamespace}}}"}}"""), cancel);
        await Api.CreateAsync("networkpolicies.networking.k8s.io", PodNamespace, Parse("""
            {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"deny"},"spec":{"podSelector":{},"policyTypes":["Ingress"]}}
            """), cancel);
    }

    private static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();
}
