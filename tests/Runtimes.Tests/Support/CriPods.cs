using System.Globalization;
using Runtimes.Tests.Protos;

namespace Runtimes.Tests.Support;

/// <param name="Container">Empty for a sandbox without one.</param>
internal sealed record CriPod(string Name, string Uid, string Sandbox, string Container, string Address);

/// <summary>What a kubelet does for a pod: object in the API, sandbox and container in the runtime, address into the object's status.</summary>
internal sealed class CriPods(Machine machine, RuntimeService.RuntimeServiceClient cri)
{
    public async Task<CriPod> RunAsync(string name, string[] command, int? hostPort = null)
    {
        var uid = await CreateObjectAsync(name);
        var config = Config(name, uid, hostPort);
        var sandbox = (await cri.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config })).PodSandboxId;
        var address = (await cri.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = sandbox })).Status.Network.Ip;
        await machine.Api.PatchAsync("pods", "default", name, Weft.KubeApi.Client.PatchKind.Merge, Objects.Of($$$"""
            {"status":{"phase":"Running","podIP":"{{{address}}}","podIPs":[{"ip":"{{{address}}}"}]}}
            """), "status");
        var container = await cri.CreateContainerAsync(new CreateContainerRequest
        {
            PodSandboxId = sandbox,
            SandboxConfig = config,
            Config = new ContainerConfig
            {
                Metadata = new ContainerMetadata { Name = "main" },
                Image = new ImageSpec { Image = BusyboxImage.Name },
                Command = { command },
                Linux = new LinuxContainerConfig(),
            },
        });
        await cri.StartContainerAsync(new StartContainerRequest { ContainerId = container.ContainerId });
        return new CriPod(name, uid, sandbox, container.ContainerId, address);
    }

    public async Task<string> CreateObjectAsync(string name) => (string)(await machine.Api.CreateAsync("pods", "default", Objects.Of($$$"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default","name":"{{{name}}}","labels":{"app":"{{{name}}}"}},
         "spec":{"nodeName":"{{{Machine.Node}}}","containers":[{"name":"main","image":"{{{BusyboxImage.Name}}}"}]}}
        """)))["metadata"]!["uid"]!;

    public PodSandboxConfig Config(string name, string uid, int? hostPort = null)
    {
        var config = new PodSandboxConfig
        {
            Metadata = new PodSandboxMetadata { Name = name, Uid = uid, Namespace = "default" },
            Hostname = name,
            LogDirectory = "/run/log",
            Linux = new LinuxPodSandboxConfig { CgroupParent = "/" + machine.Name },
        };
        if (hostPort is { } port)
            config.PortMappings.Add(new PortMapping { Protocol = Protocol.Tcp, HostPort = port, ContainerPort = 80 });
        return config;
    }

    /// <summary>For a shell: asks for the page of a server, headers and all.</summary>
    public static string Get(string address, int port = 80, int seconds = 10) =>
        string.Create(CultureInfo.InvariantCulture, $"printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | nc -w {seconds} {address} {port}");

    /// <summary>What a page says to a pod; null when it gets no answer.</summary>
    public async Task<string?> GetAsync(CriPod from, string address)
    {
        var answer = (await ExecAsync(from, "sh", "-c", Get(address, seconds: 2))).Stdout.ToStringUtf8();
        return answer.Length > 0 ? answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..] : null;
    }

    public async Task<ExecSyncResponse> ExecAsync(CriPod pod, params string[] command) =>
        await cri.ExecSyncAsync(new ExecSyncRequest { ContainerId = pod.Container, Cmd = { command }, Timeout = 30 });

    /// <summary>Has a pod ask every address in turn until stopped; what it heard is the task's result.</summary>
    public (Task<string> Heard, Action Stop) Knock(CriPod from, IReadOnlyList<string> addresses, int port)
    {
        var round = string.Join("", addresses.Select(a => $"({Get(a, port, 1)}) & ")) + "wait";
        var stop = false;
        return (Task.Run(async () =>
        {
            var heard = "";
            while (!Volatile.Read(ref stop))
            {
                var result = await ExecAsync(from, "sh", "-c", $"for i in 1 2 3 4 5; do {round}; done");
                heard += result.Stdout.ToStringUtf8();
            }
            return heard;
        }), () => Volatile.Write(ref stop, true));
    }

    /// <summary>The addresses that pods get next on a machine that gave out <paramref name="count"/> at most.</summary>
    public static IReadOnlyList<string> NextAddresses(int count) => [.. Enumerable.Range(1, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"10.244.7.{i}"))];

    public async Task RemoveAsync(CriPod pod)
    {
        await cri.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = pod.Sandbox });
        await cri.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = pod.Sandbox });
        await machine.Api.DeleteAsync("pods", "default", pod.Name, gracePeriodSeconds: 0);
    }
}
