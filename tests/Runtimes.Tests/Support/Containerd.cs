using System.Net.Sockets;
using Grpc.Net.Client;
using Lab.Tests.Support;
using Runtimes.Tests.Protos;

namespace Runtimes.Tests.Support;

/// <summary>A containerd of a machine's own, configured as docs/runtimes.md says, and its two ways in: ctr and the CRI.</summary>
internal sealed class Containerd : IDisposable
{
    private const string Configuration = "/etc/containerd/config.toml";
    private const string Socket = "/run/containerd/containerd.sock";

    private readonly Machine _machine;
    private GrpcChannel? _channel;

    private Containerd(Machine machine) => _machine = machine;

    public RuntimeService.RuntimeServiceClient Cri => new(_channel ??= Open(_machine.File(Socket)));

    public static async Task<Containerd> StartAsync(Machine machine)
    {
        // Besides what the page says: the image of sandboxes, which would be pulled, is the one made here; and a machine whose root may
        // not lower its OOM score (another container) can run sandboxes as well.
        File.WriteAllText(machine.File(Configuration), Snippet.Of(Configuration) + $"""
            [plugins."io.containerd.grpc.v1.cri"]
              sandbox_image = "{BusyboxImage.Name}"
              restrict_oom_score_adj = true

            """);
        var containerd = new Containerd(machine);
        await containerd.LaunchAsync();
        var image = machine.File("/run/image.tar");
        BusyboxImage.Write(image);
        // The CRI sees the images of its own namespace.
        foreach (var space in (string[])["k8s.io", "default"])
            (await machine.RunAsync("ctr", "-n", space, "images", "import", "/run/image.tar")).OrFail("ctr images import");
        File.Delete(image);
        return containerd;
    }

    public async Task LaunchAsync()
    {
        await _machine.StartDaemonAsync("containerd", "containerd");
        await Eventually.NoneAsync(async () =>
            (await _machine.RunAsync("ctr", "version")) is { ExitCode: not 0 } outcome ? outcome.Error + _machine.Log("containerd") : null);
        _channel?.Dispose();
        _channel = null;
    }

    /// <summary>Waits until the CRI says that the network is ready, which is when it has read the agent's configuration.</summary>
    public async Task NetworkReadyAsync() => await Eventually.NoneAsync(async () =>
    {
        var status = await Cri.StatusAsync(new StatusRequest());
        var network = status.Status.Conditions.Single(c => c.Type == "NetworkReady");
        return network.Status ? null : $"{network.Reason}: {network.Message}";
    });

    public async Task<Outcome> CtrAsync(string name, params string[] command) =>
        await _machine.RunAsync(["ctr", "run", "--rm", "--cni", "--cgroup", $"/{_machine.Name}/{name}", BusyboxImage.Name, name, .. command]);

    public async Task CtrDetachedAsync(string name, params string[] command) => (await _machine.RunAsync(
        ["ctr", "run", "--detach", "--cni", "--cgroup", $"/{_machine.Name}/{name}", BusyboxImage.Name, name, .. command])).OrFail("ctr run");

    public void Dispose() => _channel?.Dispose();

    private static GrpcChannel Open(string socket) => GrpcChannel.ForAddress("http://containerd", new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var connection = new System.Net.Sockets.Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancel);
                return new NetworkStream(connection, ownsSocket: true);
            },
        },
    });
}
