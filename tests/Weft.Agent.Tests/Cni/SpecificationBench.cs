using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Weft.Agent.Cni;
using Weft.Agent.Ipam;
using Weft.Cni;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Agent.Tests.Cni;

/// <summary>What a runtime sees: the real plugin, over a real socket, on the real server and commands, with a kernel and an API of fakes.</summary>
internal sealed class SpecificationBench : IAsyncDisposable
{
    public const string Netns = "/run/netns/a";

    private readonly TemporaryDirectory _directory = new();
    private readonly CniServer _server;

    public SpecificationBench()
    {
        Store = AddressStore.Open(_directory.File("ipam"), TimeProvider.System);
        Store.SetCidrs("n1", [IpPrefix.Parse("10.244.1.0/28"), IpPrefix.Parse("fd00:1::/64")]);
        Options = new CniServerOptions(_directory.File("cni.sock"), () => 1450, () => NotReady, _ => { })
        {
            InForceTimeout = TimeSpan.FromMilliseconds(100),
            PodTimeout = TimeSpan.FromMilliseconds(100),
            ClusterDns = [IPAddress.Parse("10.96.0.10"), IPAddress.Parse("fd00:96::a")],
        };
        Operations = new CniOperations(Store, Attachments, Network, Options);
        _server = CniServer.Start(Operations, Options);
    }

    public AddressStore Store { get; }

    public CniServerOptions Options { get; }

    public CniOperations Operations { get; }

    public FakePodNetwork Network { get; } = new() { Namespaces = { Netns, "/run/netns/b", "/run/netns/c" } };

    public FakeAttachments Attachments { get; } = new();

    public string? NotReady { get; set; }

    public static string Quote(string text) => JsonValue.Create(text)!.ToJsonString();

    /// <summary>A configuration with fields added, replaced, or taken away where the JSON is empty.</summary>
    public string Configuration(params (string Field, string Json)[] fields)
    {
        var all = new List<(string Field, string Json)>
        {
            ("cniVersion", "\"1.1.0\""), ("name", "\"weft\""), ("type", "\"weft-cni\""), ("agentSocket", Quote(Options.SocketPath)),
        };
        foreach (var (field, json) in fields)
        {
            all.RemoveAll(f => f.Field == field);
            if (json.Length > 0)
                all.Add((field, json));
        }
        return "{" + string.Join(',', all.Select(f => $"{Quote(f.Field)}:{f.Json}")) + "}";
    }

    public Task<Answer> Call(string command, params (string Field, string Json)[] fields) => Call(command, Configuration(fields), []);

    public Task<Answer> Call(string command, string configuration, (string Key, string? Value)[] environment, bool delegated = false)
    {
        var variables = new Dictionary<string, string?>
        {
            ["CNI_COMMAND"] = command, ["CNI_CONTAINERID"] = "c1", ["CNI_NETNS"] = Netns, ["CNI_IFNAME"] = "eth0", ["CNI_PATH"] = "/opt/cni/bin",
        };
        foreach (var (key, value) in environment)
            variables[key] = value;
        return Call(variables, Encoding.UTF8.GetBytes(configuration), delegated);
    }

    public static Task<Answer> Call(Dictionary<string, string?> variables, byte[] configuration, bool delegated = false) =>
        // A thread of its own: the plugin's socket blocks, and those of the pool serve it.
        Task.Factory.StartNew(
            () =>
            {
                var output = new MemoryStream();
                var exit = new Plugin(variables.GetValueOrDefault, AgentConnection.Exchange, delegated).Run(new MemoryStream(configuration), output);
                return new Answer(exit, output.Length == 0 ? null : JsonNode.Parse(output.ToArray()));
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Everything that a refused call must leave alone: the store, its journal, the kernel, what is published.</summary>
    public string State() => string.Join(
        '\n',
        Store.Attachments.Select(r => r.ToString())
            .Concat(Network.Links.Order(StringComparer.Ordinal))
            .Concat(Attachments.Published.Values.Select(a => a.ToString()).Order(StringComparer.Ordinal))
            .Append(Journal()));

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Store.Dispose();
        _directory.Dispose();
    }

    private string Journal()
    {
        using var file = new FileStream(_directory.File("ipam/attachments.journal"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }
}

/// <summary>What the plugin printed and how it ended.</summary>
internal sealed record Answer(int Exit, JsonNode? Output)
{
    public int? Code => (int?)Output?["code"];

    public string Message => (string?)Output?["msg"] ?? "";

    public JsonNode Succeeded()
    {
        Assert.True(Exit == 0, Output?.ToJsonString());
        return Output ?? new JsonObject();
    }

    public Answer Failed(int code, string inMessage = "")
    {
        Assert.True(Exit != 0, "the call succeeded");
        Assert.True(Code == code && Message.Contains(inMessage, StringComparison.Ordinal), $"expected code {code} and '{inMessage}', found {Output?.ToJsonString()}");
        return this;
    }
}
