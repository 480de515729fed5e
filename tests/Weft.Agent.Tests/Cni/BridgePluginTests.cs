using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Weft.Agent.Cni;
using Weft.Agent.Ipam;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Routing;
using Weft.Kernel.Tests;
using Weft.Model.Ipam;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Cni;

/// <summary>weft-ipam under another project's plugin: Debian's bridge, as a runtime runs it, beside weft-cni on the same node.</summary>
public sealed class BridgePluginTests : IAsyncLifetime
{
    private const string Debians = "/usr/lib/cni";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly RealNamespaces _namespaces = new();
    private readonly TemporaryDirectory _directory = new();
    private readonly Dictionary<string, (NetNamespace Network, RouteNetlink Netlink)> _containers = [];
    private NetNamespace _node = null!;
    private RouteNetlink _netlink = null!;
    private AddressStore _store = null!;
    private CniServer? _server;

    private static string Binaries
    {
        get
        {
            if (Environment.GetEnvironmentVariable("WEFT_BIN") is { Length: > 0 } given)
                return given;
            var directory = new DirectoryInfo(AppContext.BaseDirectory);
            while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Weft.slnx")))
                directory = directory.Parent;
            return Path.Combine(directory?.FullName ?? "", "out", "bin");
        }
    }

    private string SocketPath => _directory.File("cni.sock");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _store?.Dispose();
        _namespaces.Dispose();
        _directory.Dispose();
    }

    private void Start(params NodeRange[] ranges)
    {
        Skip.IfNot(File.Exists($"{Debians}/bridge"), "needs Debian's containernetworking-plugins");
        foreach (var program in new[] { "weft-ipam", "weft-cni" })
            Skip.IfNot(File.Exists(Path.Combine(Binaries, program)), $"needs {program} in {Binaries}: scripts/build.sh makes it");
        (_node, _netlink) = _namespaces.Add();
        // Without a rest an address that was not freed cannot hide behind one that rests.
        _store = AddressStore.Open(_directory.File("ipam"), TimeProvider.System, new AddressStoreOptions { Rest = TimeSpan.Zero });
        _store.SetRanges("n1", ranges);
        var options = new CniServerOptions(SocketPath, () => 1430, () => null, _ => { });
        _server = CniServer.Start(new CniOperations(_store, new RoutesByHand(_netlink), new KernelPodNetwork(_node, _netlink), options), options);
    }

    private static NodeRange Range(string cidr, string pool = "") => new(IpPrefix.Parse(cidr), pool, []);

    private string Bridge(string ipam = "", string version = "1.0.0", string extra = "") =>
        $$"""
        {"cniVersion":"{{version}}","name":"bridged","type":"bridge","bridge":"br0","isGateway":true,
         "ipam":{"type":"weft-ipam","agentSocket":"{{SocketPath}}","routes":[{"dst":"0.0.0.0/0"},{"dst":"::/0"}]{{ipam}}}{{extra}}}
        """;

    private string Weft(string extra = "") => $$"""{"cniVersion":"1.1.0","name":"weft","type":"weft-cni","agentSocket":"{{SocketPath}}"{{extra}}}""";

    private Task<Answer> BridgeAsync(string command, string container, string? configuration = null) =>
        ExecuteAsync($"{Debians}/bridge", command, container, configuration ?? Bridge());

    private Task<Answer> WeftAsync(string command, string container, string extra = "") =>
        ExecuteAsync(Path.Combine(Binaries, "weft-cni"), command, container, Weft(extra));

    // As a runtime does: in the node's namespace, with the container's as a path.
    private async Task<Answer> ExecuteAsync(string plugin, string command, string container, string configuration)
    {
        if (!_containers.TryGetValue(container, out var inside))
            _containers[container] = inside = _namespaces.Add();
        var start = new ProcessStartInfo(plugin)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment =
            {
                ["CNI_COMMAND"] = command,
                ["CNI_CONTAINERID"] = container,
                ["CNI_NETNS"] = inside.Network.Path,
                ["CNI_IFNAME"] = "eth0",
                ["CNI_PATH"] = $"{Debians}:{Binaries}",
            },
        };
        using var process = _node.Run(() => Process.Start(start))!;
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await process.StandardInput.WriteAsync(configuration.AsMemory(), limit.Token);
            process.StandardInput.Close();
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new Answer(process.ExitCode, output.Length == 0 ? null : JsonNode.Parse(output));
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"{plugin} {command} did not end");
        }
    }

    // The plugin leaves the kernel to look for another one that has an IPv6 address (RFC 4862 section 5.4); until then nothing can be bound to it.
    private static async Task<bool> IsReadyAsync(NetNamespace network, IPAddress address)
    {
        for (var since = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(since) < Patience; await Task.Delay(20))
        {
            using var socket = network.Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                socket.Bind(new IPEndPoint(address, 0));
                return true;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
            {
                // Tentative.
            }
        }
        return false;
    }

    private static List<IPAddress> Addresses(JsonNode result) => [.. result["ips"]!.AsArray().Select(ip => IPAddress.Parse(((string)ip!["address"]!).Split('/')[0]))];

    private string[] Holders() => [.. _store.Attachments.Select(r => $"{r.Kind} {r.Key.Network}/{r.Key.ContainerId}").Order(StringComparer.Ordinal)];

    [SkippableFact]
    public async Task Containers_on_a_bridge_get_addresses_that_reach_each_other_and_their_gateway()
    {
        Start(Range("10.244.1.0/24"), Range("fd00:244:0:1::/64"));
        var first = (await BridgeAsync("ADD", "c1")).Succeeded();
        var second = (await BridgeAsync("ADD", "c2")).Succeeded();

        var gateways = new List<IPAddress>();
        foreach (var (ip, range) in first["ips"]!.AsArray().Zip([IpPrefix.Parse("10.244.1.0/24"), IpPrefix.Parse("fd00:244:0:1::/64")]))
        {
            Assert.EndsWith($"/{range.Length}", (string)ip!["address"]!, StringComparison.Ordinal);
            gateways.Add(IPAddress.Parse((string)ip["gateway"]!));
            Assert.True(range.Contains(gateways[^1]));
        }
        Assert.Equal(2, gateways.Count);
        Assert.Equal(first["ips"]!.AsArray().Select(i => (string)i!["gateway"]!), second["ips"]!.AsArray().Select(i => (string)i!["gateway"]!));
        Assert.Equal(6, Addresses(first).Concat(Addresses(second)).Concat(gateways).Distinct().Count());
        var (a, b) = (_containers["c1"].Network, _containers["c2"].Network);
        foreach (var address in Addresses(second))
            Assert.True(await IsReadyAsync(b, address) && RealNamespaces.Exchange(a, b, address), $"c1 does not reach c2 at {address}");
        foreach (var gateway in gateways)
        {
            Assert.True(await IsReadyAsync(_node, gateway) && RealNamespaces.Exchange(a, _node, gateway), $"c1 does not reach its gateway {gateway}");
            Assert.Contains(_containers["c1"].Netlink.Routes(), r => gateway.Equals(r.Route.Gateway) && r.Route.Destination.Length == 0);
        }

        (await BridgeAsync("CHECK", "c1", Bridge(extra: $",\"prevResult\":{first.ToJsonString()}"))).Succeeded();
        (await BridgeAsync("DEL", "c1")).Succeeded();
        (await BridgeAsync("DEL", "c1")).Succeeded();
        Assert.All(Addresses(first), address => Assert.Null(_store.HolderOf(address)));
        (await BridgeAsync("CHECK", "c1", Bridge(extra: $",\"prevResult\":{first.ToJsonString()}"))).Failed(CniErrorCode.UnknownContainer, "weft-ipam holds no address");
        (await BridgeAsync("DEL", "c2")).Succeeded();
        // The bridge keeps its address, and so the network its gateway.
        Assert.Equal(["Delegated bridged/:gateway"], Holders());
        Assert.Equal(["br0", "lo"], _netlink.Links().Select(l => l.Name).Order(StringComparer.Ordinal));
    }

    [SkippableFact]
    public async Task What_one_plugin_holds_the_other_never_gets_and_garbage_collection_keeps_them_apart()
    {
        Start(Range("10.244.1.0/29"));
        var given = new List<IPAddress>();
        foreach (var container in new[] { "c1", "p1", "c2", "p2", "c3" })
            given.AddRange(Addresses((await (container[0] == 'c' ? BridgeAsync("ADD", container) : WeftAsync("ADD", container))).Succeeded()));
        given.AddRange(_store.Attachments.Single(r => r.Key.ContainerId == ":gateway").Attachment.Addresses);
        // All six of a /29, each once; then neither has one.
        Assert.Equal(Enumerable.Range(1, 6).Select(i => $"10.244.1.{i}"), given.Select(x => x.ToString()).Order(StringComparer.Ordinal));
        (await WeftAsync("ADD", "p3")).Failed(CniErrorCode.TryAgainLater, "exhausted");
        (await BridgeAsync("ADD", "c4")).Failed(CniErrorCode.TryAgainLater, "exhausted");
        (await BridgeAsync("DEL", "c4")).Succeeded();
        // What leaves one goes to the other.
        (await BridgeAsync("DEL", "c1")).Succeeded();
        Assert.Equal(given[0], Assert.Single(Addresses((await WeftAsync("ADD", "p3")).Succeeded())));
        (await WeftAsync("DEL", "p1")).Succeeded();
        Assert.Equal(given[1], Assert.Single(Addresses((await BridgeAsync("ADD", "c4")).Succeeded())));

        // Debian's bridge is older than GC: the runtime's call is made of weft-ipam itself.
        const string valid = ",\"cni.dev/valid-attachments\":[{\"containerID\":\"c2\",\"ifname\":\"eth0\"}]";
        (await ExecuteAsync(Path.Combine(Binaries, "weft-ipam"), "GC", "c2", Bridge(version: "1.1.0", extra: valid))).Succeeded();
        Assert.Equal(["Attachment weft/p2", "Attachment weft/p3", "Delegated bridged/:gateway", "Delegated bridged/c2"], Holders());
        (await WeftAsync("GC", "p3", ",\"cni.dev/valid-attachments\":[{\"containerID\":\"p3\",\"ifname\":\"eth0\"}]")).Succeeded();
        Assert.Equal(["Attachment weft/p3", "Delegated bridged/:gateway", "Delegated bridged/c2"], Holders());

        foreach (var container in new[] { "c1", "c2", "c3", "c4" })
            (await BridgeAsync("DEL", container)).Succeeded();
        foreach (var container in new[] { "p1", "p2", "p3" })
            (await WeftAsync("DEL", container)).Succeeded();
        Assert.Equal(["Delegated bridged/:gateway"], Holders());
        Assert.Equal(["br0", "lo"], _netlink.Links().Select(l => l.Name).Order(StringComparer.Ordinal));
        Assert.All(_containers.Values, c => Assert.Equal(["lo"], c.Netlink.Links().Select(l => l.Name)));
    }

    [SkippableFact]
    public async Task A_pool_that_the_configuration_names_gives_the_addresses_and_the_gateway()
    {
        Start(Range("10.244.1.0/24"), Range("10.60.0.0/28", "bridged"));
        var result = (await BridgeAsync("ADD", "c1", Bridge(",\"pool\":\"bridged\""))).Succeeded();
        Assert.Equal(("10.60.0.1/28", "10.60.0.2"), ((string?)result["ips"]![0]!["address"], (string?)result["ips"]![0]!["gateway"]));
        Assert.True(RealNamespaces.Exchange(_containers["c1"].Network, _node, IPAddress.Parse("10.60.0.2")));
        (await BridgeAsync("ADD", "c2", Bridge(",\"pool\":\"other\""))).Failed(CniErrorCode.InvalidConfiguration, "ipam.pool is 'other'");
        (await BridgeAsync("DEL", "c2", Bridge(",\"pool\":\"other\""))).Succeeded();
        (await BridgeAsync("DEL", "c1", Bridge(",\"pool\":\"bridged\""))).Succeeded();
        Assert.Equal(["Delegated bridged/:gateway"], Holders());
    }
}
