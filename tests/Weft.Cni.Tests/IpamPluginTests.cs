using System.Text;
using System.Text.Json.Nodes;
using Weft.Cni;
using Weft.Wire.Cni;

namespace Weft.Cni.Tests;

/// <summary>weft-ipam, which other plugins run with their own configuration (SPEC.md 1.1.0 section 4).</summary>
public class IpamPluginTests
{
    private const string Bridge = """
        {"cniVersion":"1.0.0","name":"dbnet","type":"bridge","bridge":"cni0","keyA":["x"],"isGateway":true,"agentSocket":"not/ours",
         "ipam":{"type":"weft-ipam","agentSocket":"/run/test.sock","routes":[{"dst":"0.0.0.0/0"}]}}
        """;

    private static (int Exit, JsonNode? Output, AgentRequest? Asked, string? Socket) Run(string command, string config = Bridge)
    {
        AgentRequest? asked = null;
        string? at = null;
        var output = new MemoryStream();
        var plugin = new Plugin(
            name => name switch
            {
                "CNI_COMMAND" => command,
                "CNI_CONTAINERID" => "c1",
                "CNI_NETNS" => "/run/netns/a",
                "CNI_IFNAME" => "eth0",
                _ => null,
            },
            (socket, request) =>
            {
                (at, asked) = (socket, request);
                return new AgentResponse(false, "{}"u8.ToArray());
            },
            delegated: true);
        var exit = plugin.Run(new MemoryStream(Encoding.UTF8.GetBytes(config)), output);
        return (exit, output.Length == 0 ? null : JsonNode.Parse(output.ToArray()), asked, at);
    }

    [Theory]
    [InlineData("/opt/cni/bin/weft-ipam", true)]
    [InlineData("weft-ipam", true)]
    [InlineData("/opt/cni/bin/weft-cni", false)]
    [InlineData("/opt/weft-ipam/weft-cni", false)]
    public void The_program_s_name_decides(string path, bool ipam) => Assert.Equal(ipam, Plugin.IsIpam(path));

    [Theory]
    [InlineData("ADD")]
    [InlineData("DEL")]
    [InlineData("CHECK")]
    public void Another_plugin_s_whole_configuration_is_taken(string command)
    {
        var (exit, output, asked, socket) = Run(command);
        Assert.True(exit == 0, output?.ToJsonString());
        Assert.Equal("/run/test.sock", socket);
        Assert.True(asked!.Delegated);
        Assert.True(AgentProtocol.ReadRequest(AgentProtocol.Write(asked).AsMemory(AgentProtocol.HeaderBytes)).Delegated);
    }

    [Theory]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"bridge"}""", 7, "ipam is missing")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"bridge","ipam":[]}""", 7, "ipam: [] is a list")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"bridge","ipam":{"type":"weft-ipam","subnet":"10.0.0.0/8"}}""", 2, "'ipam.subnet' with value \"10.0.0.0/8\"")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"bridge","ipam":{"prefixLength":33}}""", 7, "ipam.prefixLength: 33")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"bridge","ipam":{"pool":"../x"}}""", 7, "ipam.pool: '../x'")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"bridge","ipam":{"gateways":["10.0.0.1","10.0.0.2"]}}""", 7, "two of a family")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"bridge","ipam":{"routes":[{"gw":"10.0.0.1"}]}}""", 7, "ipam.routes[0].dst is missing")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"bridge","ipam":{"agentSocket":"x"}}""", 7, "ipam.agentSocket: 'x'")]
    public void Refusals_name_the_field(string config, int code, string inMessage)
    {
        var (exit, output, asked, _) = Run("ADD", config);
        Assert.Equal((1, code), (exit, (int?)output!["code"]));
        Assert.Contains(inMessage, (string?)output["msg"], StringComparison.Ordinal);
        Assert.Null(asked);
    }
}
