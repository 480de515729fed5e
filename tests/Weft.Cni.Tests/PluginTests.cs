using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Weft.Cni;
using Weft.Wire.Cni;

namespace Weft.Cni.Tests;

public class PluginTests
{
    private const string Config = """{"cniVersion":"1.1.0","name":"weft","type":"weft-cni","agentSocket":"/run/test.sock"}""";

    private readonly List<(string Socket, AgentRequest Request)> _asked = [];
    private AgentResponse _answer = new(false, Encoding.UTF8.GetBytes("""{"cniVersion":"1.1.0"}"""));

    private (int Exit, JsonNode? Output) Run(string config, params (string Key, string Value)[] environment)
    {
        var output = new MemoryStream();
        var plugin = new Plugin(
            name => environment.Where(v => v.Key == name).Select(v => v.Value).FirstOrDefault(),
            (socket, request) =>
            {
                _asked.Add((socket, request));
                return _answer;
            });
        var exit = plugin.Run(new MemoryStream(Encoding.UTF8.GetBytes(config)), output);
        return (exit, output.Length == 0 ? null : JsonNode.Parse(output.ToArray()));
    }

    private static (string, string)[] Container(string command, string netns = "/run/netns/a") =>
        [("CNI_COMMAND", command), ("CNI_CONTAINERID", "c1"), ("CNI_NETNS", netns), ("CNI_IFNAME", "eth0"), ("CNI_ARGS", "IgnoreUnknown=1")];

    [Fact]
    public void Add_hands_environment_and_configuration_to_the_agent_and_prints_its_answer()
    {
        var (exit, output) = Run(Config, Container("ADD"));
        Assert.Equal(0, exit);
        Assert.Equal("1.1.0", (string?)output!["cniVersion"]);
        var (socket, request) = Assert.Single(_asked);
        Assert.Equal("/run/test.sock", socket);
        Assert.Equal(new CniEnvironment(CniCommand.Add, "c1", "/run/netns/a", "eth0", "IgnoreUnknown=1", ""), request.Environment);
        Assert.Equal(Config, Encoding.UTF8.GetString(request.Configuration.Span));
    }

    [Fact]
    public void The_agent_s_error_is_printed_and_fails_the_call()
    {
        _answer = new AgentResponse(true, Encoding.UTF8.GetBytes("""{"code":11}"""));
        var (exit, output) = Run(Config, Container("ADD"));
        Assert.Equal((1, 11), (exit, (int?)output!["code"]));
    }

    [Fact]
    public void A_namespace_path_of_the_plugin_itself_is_made_to_mean_the_same_in_the_agent()
    {
        Run(Config, Container("ADD", "/proc/self/ns/net"));
        Assert.Equal($"/proc/{Environment.ProcessId}/ns/net", Assert.Single(_asked).Request.Environment.Netns);
    }

    // SPEC.md 1.1.0 section 2, "VERSION".
    [Theory]
    [InlineData("""{"cniVersion":"0.4.0"}""", "0.4.0")]
    [InlineData("""{"cniVersion":"7.0.0"}""", "1.1.0")]
    [InlineData("", "1.1.0")]
    public void Version_is_answered_without_the_agent(string config, string version)
    {
        var (exit, output) = Run(config, ("CNI_COMMAND", "VERSION"));
        Assert.Equal((0, version), (exit, (string?)output!["cniVersion"]));
        Assert.Equal(4, output["supportedVersions"]!.AsArray().Count);
        Assert.Empty(_asked);
    }

    [Theory]
    [InlineData("CHECK", "0.3.1")]
    [InlineData("GC", "1.0.0")]
    [InlineData("STATUS", "1.0.0")]
    public void A_command_that_the_version_lacks_is_refused(string command, string version)
    {
        var (exit, output) = Run(Config.Replace("1.1.0", version, StringComparison.Ordinal), Container(command));
        Assert.Equal((1, CniErrorCode.IncompatibleVersion), (exit, (int?)output!["code"]));
        Assert.Equal(version, (string?)output["cniVersion"]);
        Assert.Empty(_asked);
    }

    [Theory]
    [InlineData("{", CniErrorCode.DecodingFailure)]
    [InlineData("""{"cniVersion":"9.0.0","name":"n","type":"t"}""", CniErrorCode.IncompatibleVersion)]
    [InlineData("""{"cniVersion":"1.1.0","name":"n","type":"t","mtu":"x"}""", CniErrorCode.InvalidConfiguration)]
    [InlineData("""{"cniVersion":"1.1.0","name":"n","type":"t","x":1}""", CniErrorCode.UnsupportedField)]
    public void A_bad_configuration_never_reaches_the_agent(string config, int code)
    {
        var (exit, output) = Run(config, Container("ADD"));
        Assert.Equal((1, code), (exit, (int?)output!["code"]));
        Assert.Empty(_asked);
    }

    [Fact]
    public void A_configuration_beyond_the_limit_is_refused_and_not_read_to_its_end()
    {
        var endless = new EndlessStream();
        var output = new MemoryStream();
        var exit = new Plugin(name => name == "CNI_COMMAND" ? "STATUS" : null, (_, _) => _answer).Run(endless, output);
        Assert.Equal(1, exit);
        Assert.Equal(CniErrorCode.DecodingFailure, (int?)JsonNode.Parse(output.ToArray())!["code"]);
        Assert.True(endless.Given <= 4 * CniConfigurationReader.MaxBytes);
    }

    // SPEC.md 1.1.0 section 5: 11 is a transient condition; section 2, "STATUS": 50 when the plugin "cannot service ADD requests".
    [Theory]
    [InlineData("ADD", CniErrorCode.TryAgainLater)]
    [InlineData("DEL", CniErrorCode.TryAgainLater)]
    [InlineData("CHECK", CniErrorCode.TryAgainLater)]
    [InlineData("STATUS", CniErrorCode.NotAvailable)]
    public void Without_an_agent_the_runtime_is_told_so_and_which_socket_is_dead(string command, int code)
    {
        var output = new MemoryStream();
        var environment = Container(command);
        var exit = new Plugin(name => environment.Where(v => v.Item1 == name).Select(v => v.Item2).FirstOrDefault(), AgentConnection.Exchange)
            .Run(new MemoryStream(Encoding.UTF8.GetBytes(Config.Replace("/run/test.sock", "/nonexistent/weft.sock", StringComparison.Ordinal))), output);
        var error = JsonNode.Parse(output.ToArray())!;
        Assert.Equal((1, code), (exit, (int?)error["code"]));
        Assert.Contains("/nonexistent/weft.sock", (string?)error["msg"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_dies_during_the_call_means_try_again()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("weft-cni-").FullName, "a.sock");
        try
        {
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
            var dying = Task.Run(() =>
            {
                using var connection = listener.Accept();
                connection.Receive(new byte[16]);
            });
            var request = new AgentRequest(new CniEnvironment(CniCommand.Status, "", "", "", "", ""), Encoding.UTF8.GetBytes("{}"));
            var e = Assert.Throws<CniException>(() => { AgentConnection.Exchange(path, request); });
            Assert.Equal(CniErrorCode.TryAgainLater, e.Code);
            Assert.Contains(path, e.Message, StringComparison.Ordinal);
            await dying;
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    private sealed class EndlessStream : MemoryStream
    {
        public long Given { get; private set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            buffer.AsSpan(offset, count).Fill((byte)' ');
            Given += count;
            return count;
        }
    }
}
