using System.Net.Sockets;
using System.Text.Json.Nodes;
using Weft.Kernel.Namespaces;
using Weft.Lab.Daemon;
using Weft.Lab.Topology;
using Weft.Model.Tables;

namespace Weft.Benchmarks;

/// <summary>A lab that a measurement brings up and takes down again.</summary>
internal sealed class BenchLab : IDisposable
{
    public BenchLab(string name, int nodes)
    {
        Topology = LabTopology.Create(name, nodes, IpFamily.IPv4);
        Paths = new LabPaths(name);
        LabManager.Down(name);
        Shell.Run(LabBinaries.Weft, ["lab", "up", "--name", name, "--nodes", $"{nodes}"]);
    }

    public LabTopology Topology { get; }

    public LabPaths Paths { get; }

    public IEnumerable<string> Nodes => Topology.Nodes.Select(n => n.Name);

    public string Kubectl(IEnumerable<string> arguments, string? input = null) =>
        Shell.Run(KubectlProgram, ["--kubeconfig", Paths.Kubeconfig, .. arguments], input);

    public void Apply(string manifest) => Kubectl(["apply", "-f", "-"], manifest);

    /// <summary>A pod with label app=probe on every node, and waits for them.</summary>
    public void RunProbes()
    {
        Apply(
            """
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: probe}
            spec:
              selector: {matchLabels: {app: probe}}
              template:
                metadata: {labels: {app: probe}}
                spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: weft.dev/sample/tier, args: [serve]}]}
            """);
        Kubectl(["rollout", "status", "daemonset/probe", "--timeout=60s"]);
    }

    public NetNamespace NodeNamespace(string node) => NetNamespace.OpenNamed(Paths.NodeNamespace(node));

    /// <summary>A client of the agent's health socket.</summary>
    public HttpClient Agent(string node) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancel) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Paths.HealthSocket(node)), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://agent/") };

    public static async Task<ShowTable> TableAsync(HttpClient agent, string name) =>
        ShowTableJson.Read(JsonNode.Parse(await agent.GetStringAsync($"tables/{name}")));

    /// <summary>The agent's process on a node, found by its command line inside the lab's cgroups.</summary>
    public int AgentPid(string node)
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out var pid))
                continue;
            try
            {
                var words = File.ReadAllText(Path.Combine(directory, "cmdline")).Split('\0');
                if (words[0].EndsWith("weft-agent", StringComparison.Ordinal) && words.Contains(node) && words.Contains(Paths.HealthSocket(node)))
                    return pid;
            }
            catch (IOException)
            {
                // It ended while we looked.
            }
        }
        throw new InvalidOperationException($"no weft-agent runs for {node} of lab {Topology.Name}");
    }

    public void Dispose() => LabManager.Down(Topology.Name);

    private static string KubectlProgram
    {
        get
        {
            var beside = Path.GetFullPath(Path.Combine(LabBinaries.Directory, "..", "tools", "kubectl"));
            return File.Exists(beside) ? beside : "kubectl";
        }
    }
}
