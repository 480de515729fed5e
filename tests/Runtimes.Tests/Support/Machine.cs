using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Lab.Tests.Support;
using Weft.KubeApi;
using Weft.KubeApi.Client;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Runtimes.Tests.Support;

/// <summary>
/// A Linux machine as far as container runtimes can tell, with the real agent and plugin on it: namespaces for network, mounts and processes,
/// the usual paths, a Kubernetes API that knows it as node <c>machine</c>, and another host next to it.
/// </summary>
public sealed class Machine : IAsyncDisposable
{
    public const string Node = "machine";
    public const string PodCidr = "10.244.7.0/24";
    public const string Dns = "10.96.0.10";
    private const int ApiPort = 6443;
    private static int _count;

    private readonly string _directory = Directory.CreateTempSubdirectory("weft-runtimes-").FullName;
    private readonly Dictionary<string, Process> _daemons = [];
    private Process? _holder;
    private int _init;
    private ApiServer? _server;

    private Machine()
    {
        Name = $"weftrt{Environment.ProcessId}x{Interlocked.Increment(ref _count)}";
        Network = NetNamespace.Create(Name);
        Outside = NetNamespace.Create(Name + "out");
    }

    /// <summary>Of its namespaces, and of the control group that runtimes are told to stay in.</summary>
    public string Name { get; }

    public NetNamespace Network { get; }

    public NetNamespace Outside { get; }

    /// <summary>Of the host next to it, which the agent takes for its upstream name server.</summary>
    public static IPAddress OutsideAddress { get; } = IPAddress.Parse("172.30.99.1");

    public static IPAddress Address { get; } = IPAddress.Parse("172.30.99.2");

    public IApiClient Api => _server!.Client;

    internal LabAgent Agent { get; private set; } = null!;

    /// <summary>Makes the machine and waits until its agent serves.</summary>
    public static async Task<Machine> StartAsync(string? podCidr = PodCidr)
    {
        var machine = new Machine();
        try
        {
            machine.Wire();
            await machine.HoldAsync();
            await machine.StartApiAsync();
            if (podCidr is not null)
                await machine.CreateNodeAsync(podCidr);
            machine.InstallPlugins();
            await machine.StartAgentAsync();
            if (podCidr is not null)
                await machine.ReadyAsync();
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    /// <summary>A file of the machine as this process reaches it.</summary>
    public string File(string path) => $"/proc/{_init}/root{path}";

    public string Log(string daemon) => System.IO.File.ReadAllText(LogFile(daemon));

    /// <summary>Runs a program on the machine.</summary>
    internal Task<Outcome> RunAsync(params string[] command) => Host.FinishAsync(Start(command));

    /// <summary>What a web server says to the host next to it.</summary>
    internal async Task<string> GetFromOutsideAsync(int port)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var socket = Outside.Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(Address, port), limit.Token);
        using var stream = new NetworkStream(socket);
        await stream.WriteAsync("GET /index.html HTTP/1.0\r\n\r\n"u8.ToArray(), limit.Token);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync(limit.Token);
        return answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
    }

    /// <summary>Starts a program that stays, its words in <see cref="Log"/>.</summary>
    internal async Task StartDaemonAsync(string name, params string[] command)
    {
        var pidFile = $"/run/{name}.pid";
        System.IO.File.Delete(File(pidFile));
        var quoted = string.Join(' ', command.Select(c => $"'{c}'"));
        var start = new ProcessStartInfo("nsenter", [.. Enter, "sh", "-c", $"echo $$ > {pidFile}; exec {quoted} >> {LogFile(name)} 2>&1"]);
        _daemons[name] = Process.Start(start)!;
        await Eventually.NoneAsync(() => System.IO.File.Exists(File(pidFile)) && new FileInfo(File(pidFile)).Length > 0 ? null : $"{name} does not start");
    }

    /// <summary>SIGKILL, and waits until the kernel has cleaned up.</summary>
    internal async Task KillAsync(string name)
    {
        var pid = System.IO.File.ReadAllText(File($"/run/{name}.pid")).Trim();
        (await RunAsync("kill", "-9", pid)).OrFail();
        await _daemons[name].WaitForExitAsync();
        _daemons[name].Dispose();
        _daemons.Remove(name);
    }

    internal async Task StartAgentAsync() => await StartDaemonAsync("weft-agent", AgentCommand());

    internal string[] AgentCommand(params string[] more) =>
    [
        Path.Combine(Host.Binaries, "weft-agent"), "--node", Node, "--kubeconfig", "/etc/weft/kubeconfig", "--cluster-cidr", "10.244.0.0/16",
        "--service-cidr", "10.96.0.0/16", "--cluster-dns", Dns, "--dns-upstream", $"{OutsideAddress}", "--collect-after", "2", .. more,
    ];

    /// <summary>Waits until the agent has shown runtimes its configuration.</summary>
    internal async Task ReadyAsync()
    {
        await Eventually.NoneAsync(async () => System.IO.File.Exists(File("/etc/cni/net.d/10-weft.conflist")) ? await Agent.ReadyProblemAsync()
            : _daemons["weft-agent"].HasExited ? throw new InvalidOperationException(Log("weft-agent")) : "the agent has not announced itself: " + Log("weft-agent"));
    }

    public async ValueTask DisposeAsync()
    {
        Agent?.Dispose();
        // Process 1 takes everything on the machine with it, and the last process the mounts.
        if (_holder is not null)
        {
            _holder.StandardInput.Close();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            try
            {
                await _holder.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _holder.Kill(entireProcessTree: true);
            }
            _holder.Dispose();
        }
        foreach (var daemon in _daemons.Values)
            daemon.Dispose();
        if (_server is not null)
            await _server.DisposeAsync();
        Network.Dispose();
        Outside.Dispose();
        NetNamespace.Delete(Name);
        NetNamespace.Delete(Name + "out");
        Host.RemoveGroups(Name);
        Directory.Delete(_directory, recursive: true);
    }

    private string[] Enter => ["-t", $"{_init}", "-m", "-n", "-p", "--"];

    private string LogFile(string daemon) => Path.Combine(_directory, daemon + ".log");

    private Process Start(string[] command) => Process.Start(Redirected(["nsenter", .. Enter, .. command]))!;

    private static ProcessStartInfo Redirected(string[] command) =>
        new(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };

    private void Wire()
    {
        using var inside = RouteNetlink.Open(Network);
        using var outside = RouteNetlink.Open(Outside);
        outside.ExecuteAll(
            new SetLink("lo", Up: true),
            new AddVeth("eth0", 1500, null, "eth0", null, Network),
            new AddAddress(new LinkAddress("eth0", OutsideAddress, 24), PrefixRoute: true));
        inside.ExecuteAll(
            new SetLink("lo", Up: true),
            new SetLink("eth0", Up: true),
            new AddAddress(new LinkAddress("eth0", Address, 24), PrefixRoute: true),
            new ReplaceRoute(new Route(IpPrefix.AllIPv4, "eth0", OutsideAddress)));
        new NamespaceSysctls(Network).Write("net/ipv4/ip_forward", "1");
    }

    private async Task HoldAsync()
    {
        var script = Path.Combine(AppContext.BaseDirectory, "Support", "machine.sh");
        var work = Directory.CreateDirectory(Path.Combine(_directory, "m")).FullName;
        var start = Redirected(["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--propagation", "private", "sh", script, work]);
        start.RedirectStandardInput = true;
        _holder = Network.Run(() => Process.Start(start))!;
        await Eventually.NoneAsync(() =>
        {
            if (_holder.HasExited)
                throw new InvalidOperationException(_holder.StandardError.ReadToEnd());
            _init = Host.FirstChild(_holder.Id) ?? 0;
            return _init > 0 && System.IO.File.Exists(File("/run/machine-ready")) ? null : "the machine does not come up";
        });
        Agent = new LabAgent(Node, File("/run/weft/health.sock"));
    }

    private async Task StartApiAsync()
    {
        var socket = Network.Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, ApiPort));
        socket.Listen(512);
        var handle = (ulong)socket.SafeHandle.DangerousGetHandle();
        // The server owns the descriptor from here on.
        socket.SafeHandle.SetHandleAsInvalid();
        _server = await ApiServer.StartAsync(new ApiServerOptions
        {
            DataDirectory = Path.Combine(_directory, "api"),
            Listeners = [ApiListener.OnSocket(handle)],
        });
        _server.WriteKubeconfig(File("/etc/weft/kubeconfig"), $"https://127.0.0.1:{ApiPort}");
    }

    /// <summary>As a kubelet registers itself with <c>--register-with-taints</c>.</summary>
    internal async Task CreateNodeAsync(string podCidr)
    {
        await Api.CreateAsync("nodes", "", Objects.Of($$$"""
            {"apiVersion":"v1","kind":"Node","metadata":{"name":"{{{Node}}}"},
             "spec":{"podCIDR":"{{{podCidr}}}","podCIDRs":["{{{podCidr}}}"],
                     "taints":[{"key":"weft.dev/agent-not-ready","effect":"NoSchedule"},{"key":"example.com/other","value":"x","effect":"NoSchedule"}]}}
            """));
        await Api.PatchAsync("nodes", "", Node, PatchKind.Merge, Objects.Of($$$"""
            {"status":{"addresses":[{"type":"InternalIP","address":"{{{Address}}}"}]}}
            """), "status");
    }

    // docs/runtimes.md, "The plugin".
    private void InstallPlugins()
    {
        foreach (var (from, name) in new[] { (Path.Combine(Host.Binaries, "weft-cni"), "weft-cni"), ("/usr/lib/cni/loopback", "loopback") })
        {
            System.IO.File.Copy(from, File($"/opt/cni/bin/{name}"), overwrite: true);
            System.IO.File.SetUnixFileMode(File($"/opt/cni/bin/{name}"), (UnixFileMode)Convert.ToInt32("755", 8));
        }
    }
}

internal static class Objects
{
    public static JsonObject Of(string json) => JsonNode.Parse(json)!.AsObject();
}
