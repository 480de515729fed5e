using System.Diagnostics;
using System.Text.Json.Nodes;
using Lab.Tests.Support;
using Weft.Kernel.Namespaces;
using Weft.Kernel.Routing;
using Weft.Lab.Daemon;

namespace Lab.Tests.BadInput;

/// <summary>The plugin as a careless runtime starts it, on a node where pods run: a clear error, and nothing left behind.</summary>
[Collection(RoughLabCollection.Name)]
public sealed class BadCniTests(RoughLab lab)
{
    private const string Container = "0123456789abcdef";

    private Machine Node => lab.Nodes["node1"];

    [SkippableTheory]
    [InlineData("{", 6, "not valid JSON")]
    [InlineData("[]", 6, "not a JSON object")]
    [InlineData("""{"cniVersion":"9.9.9","name":"weft","type":"weft-cni"}""", 1, "9.9.9")]
    [InlineData("""{"name":"weft","type":"weft-cni"}""", 1, "cniVersion")]
    [InlineData("""{"cniVersion":"1.1.0","type":"weft-cni"}""", 7, "name")]
    [InlineData("""{"cniVersion":"1.1.0","name":"weft","type":"weft-cni","agentsocket":"/x"}""", 2, "agentsocket")]
    [InlineData("""{"cniVersion":"1.1.0","name":"weft","type":"weft-cni","mtu":"big"}""", 7, "mtu")]
    public async Task A_configuration_that_is_wrong_is_refused_by_its_field(string configuration, int code, string named)
    {
        lab.Require();
        using var pod = new EmptyNamespace(lab);
        var before = NodeLinks();
        var error = await FailAsync("ADD", pod.Path, configuration);
        Assert.Equal(code, (int)error["code"]!);
        Assert.Contains(named, $"{error["msg"]}", StringComparison.Ordinal);
        Assert.Equal(before, NodeLinks());
        Assert.Null(pod.FindEth0());
    }

    [SkippableFact]
    public async Task An_agent_that_is_down_makes_ADD_say_try_again_and_leaves_nothing()
    {
        lab.Require();
        using var pod = new EmptyNamespace(lab);
        var before = NodeLinks();
        var socket = lab.Paths.CniSocket("node1") + ".none";
        var error = await FailAsync("ADD", pod.Path, Configuration(socket));
        Assert.Equal(11, (int)error["code"]!);
        Assert.Contains(socket, $"{error["msg"]}", StringComparison.Ordinal);
        Assert.Equal(before, NodeLinks());
        Assert.Null(pod.FindEth0());
    }

    [SkippableFact]
    public async Task A_namespace_that_vanishes_during_ADD_leaves_nothing()
    {
        lab.Require();
        var before = NodeLinks();
        var attached = (await AttachmentsAsync())!;
        for (var i = 0; i < 6; i++)
        {
            using var pod = new EmptyNamespace(lab);
            var add = RunAsync("ADD", pod.Path, Configuration(lab.Paths.CniSocket("node1")));
            await Task.Delay(TimeSpan.FromMilliseconds(4 * i));
            pod.Delete();
            var result = await add;
            // In time or too late, both may be; what counts is how it is told and what stays.
            if (result.ExitCode != 0)
                Assert.True((int)JsonNode.Parse(result.Output)!["code"]! is 3 or 4, result.Output);
            Assert.Equal(0, (await RunAsync("DEL", pod.Path, Configuration(lab.Paths.CniSocket("node1")))).ExitCode);
        }
        await Eventually.NoneAsync(() => NodeLinks().SequenceEqual(before) ? null : $"links are {string.Join(", ", NodeLinks())}, before {string.Join(", ", before)}");
        await Eventually.NoneAsync(async () => await AttachmentsAsync() is var now && now == attached ? null : $"{now} attachments, before {attached}");
    }

    private static string Configuration(string socket) => new JsonObject
    {
        ["cniVersion"] = "1.1.0", ["name"] = "weft", ["type"] = "weft-cni", ["agentSocket"] = socket,
    }.ToJsonString();

    private async Task<JsonNode> FailAsync(string command, string netns, string configuration)
    {
        var result = await RunAsync(command, netns, configuration);
        Assert.Equal(1, result.ExitCode);
        return JsonNode.Parse(result.Output)!;
    }

    private Task<CommandResult> RunAsync(string command, string netns, string configuration)
    {
        var start = new ProcessStartInfo(LabBinaries.Cni);
        start.Environment["CNI_COMMAND"] = command;
        start.Environment["CNI_CONTAINERID"] = Container;
        start.Environment["CNI_NETNS"] = netns;
        start.Environment["CNI_IFNAME"] = "eth0";
        start.Environment["CNI_PATH"] = LabBinaries.Directory;
        return Commands.InsideAsync(Node, configuration, start);
    }

    private List<string> NodeLinks()
    {
        using var netlink = RouteNetlink.Open(Node.Network);
        return [.. netlink.Links().Select(l => l.Name).Order(StringComparer.Ordinal)];
    }

    private async Task<string?> AttachmentsAsync() => await lab.Agents[0].MetricAsync("weft_attachments");

    /// <summary>A pod's namespace before ADD; its name is the lab's, so that the lab's end takes it along.</summary>
    private sealed class EmptyNamespace(TestLab lab) : IDisposable
    {
        private readonly NetNamespace _network = NetNamespace.Create($"{lab.Paths.NamespacePrefix}cni{Guid.NewGuid():N}");

        public string Path => _network.Path;

        public ObservedLink? FindEth0()
        {
            using var netlink = RouteNetlink.Open(_network);
            return netlink.FindLink("eth0");
        }

        public void Delete()
        {
            _network.Dispose();
            NetNamespace.Delete(System.IO.Path.GetFileName(Path));
        }

        public void Dispose() => Delete();
    }
}
