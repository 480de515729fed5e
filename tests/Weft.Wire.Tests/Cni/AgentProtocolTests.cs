using System.Text;
using CsCheck;
using Weft.Wire.Cni;

namespace Weft.Wire.Tests.Cni;

public class AgentProtocolTests
{
    [Fact]
    public void A_request_survives_the_way()
    {
        var environment = new CniEnvironment(CniCommand.Add, "c", "/run/netns/a b\"", "eth0", "K=V", "");
        var frame = AgentProtocol.Write(new AgentRequest(environment, Encoding.UTF8.GetBytes("""{"name": "n" }""")));
        Assert.Equal(frame.Length - 4, AgentProtocol.ReadHeader(frame));
        var read = AgentProtocol.ReadRequest(frame.AsMemory(4));
        Assert.Equal(environment, read.Environment);
        Assert.Equal("""{"name": "n" }""", Encoding.UTF8.GetString(read.Configuration.Span));
    }

    [Theory]
    [InlineData(true, """{"code":11}""")]
    [InlineData(false, "")]
    public void A_response_survives_the_way(bool failed, string output)
    {
        var frame = AgentProtocol.Write(new AgentResponse(failed, Encoding.UTF8.GetBytes(output)));
        var read = AgentProtocol.ReadResponse(frame.AsMemory(4));
        Assert.Equal(failed, read.Failed);
        Assert.Equal(output, Encoding.UTF8.GetString(read.Output.Span));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData((2u << 20) + 1)]
    [InlineData(0xffffffffu)]
    public void A_length_out_of_bounds_is_refused_before_any_memory_is_taken(uint length)
    {
        byte[] header = [(byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length];
        Assert.Equal(CniErrorCode.DecodingFailure, Assert.Throws<CniException>(() => AgentProtocol.ReadHeader(header)).Code);
    }

    [Fact]
    public void Any_body_is_read_or_refused_with_an_error_of_ours()
    {
        Gen.OneOf(
            Gen.Byte.Array[0, 64],
            Gen.OneOf(Gen.Const("{}"), Gen.Const("[]"), Gen.Const("3"), Gen.Const("""{"version":1}"""), Gen.Const("""{"version":1,"command":"ADD"}"""),
                Gen.Const("""{"version":1e300}"""), Gen.Const("""{"version":1,"command":3,"config":{}}"""))
                .Select(Encoding.UTF8.GetBytes))
            .Sample(body =>
            {
                Assert.Throws<CniException>(() => { AgentProtocol.ReadRequest(body); });
                Assert.Throws<CniException>(() => { AgentProtocol.ReadResponse(body); });
            }, iter: 2000);
    }
}
