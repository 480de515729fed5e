using System.Text;
using CsCheck;
using Weft.Wire.Cni;

namespace Weft.Wire.Tests.Cni;

public class CniConfigurationTests
{
    private static NetworkConfiguration Read(string json, bool strict = true) =>
        CniConfigurationReader.Read(Encoding.UTF8.GetBytes(json), strict);

    [Fact]
    public void Reads_all_that_an_execution_configuration_holds()
    {
        var c = Read("""
            {"cniVersion":"1.1.0","name":"weft","type":"weft-cni","agentSocket":"/run/a.sock","mtu":1450,"ipMasq":true,
             "dns":{"nameservers":["10.96.0.10"],"domain":"cluster.local","search":["a","b"],"options":["ndots:5"]},
             "runtimeConfig":{"portMappings":[]},"args":{"labels":{"a":"b"}},"capabilities":{"dns":true},
             "prevResult":{"cniVersion":"1.1.0","interfaces":[{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":"/run/netns/a","mtu":1450}],
               "ips":[{"address":"10.1.0.5/24","gateway":"10.1.0.1","interface":0}],
               "routes":[{"dst":"0.0.0.0/0","gw":"10.1.0.1"}],"dns":{}},
             "cni.dev/valid-attachments":[{"containerID":"c1","ifname":"eth0"}]}
            """);
        Assert.Equal(CniVersion.V110, c.Version);
        Assert.Equal(("weft", "weft-cni", "/run/a.sock", 1450, true), (c.Name, c.Type, c.AgentSocket, c.Mtu, c.IpMasquerade));
        Assert.Equal(["10.96.0.10"], c.Dns.Nameservers);
        Assert.Equal("cluster.local", c.Dns.Domain);
        Assert.Equal(["a", "b"], c.Dns.Search);
        Assert.Equal(["ndots:5"], c.Dns.Options);
        Assert.Equal([new CniAttachmentId("c1", "eth0")], c.ValidAttachments!.Value);
        var previous = c.PreviousResult!;
        Assert.Equal(new CniInterface("eth0", "02:00:00:00:00:01", "/run/netns/a", 1450), previous.Interfaces[0]);
        Assert.Equal("10.1.0.5", previous.Ips[0].Address.ToString());
        Assert.Equal(24, previous.Ips[0].PrefixLength);
        Assert.Equal("0.0.0.0/0", previous.Routes[0].Destination.ToString());
    }

    [Fact]
    public void An_absent_list_of_valid_attachments_is_not_an_empty_one()
    {
        Assert.Null(Read("""{"cniVersion":"1.1.0","name":"n","type":"t"}""").ValidAttachments);
        Assert.True(Read("""{"cniVersion":"1.1.0","name":"n","type":"t","cni.dev/valid-attachments":[]}""").ValidAttachments!.Value.IsEmpty);
    }

    // SPEC.md 1.1.0 section 5 "Error" gives the codes; the message must lead the reader to the field.
    [Theory]
    [InlineData("", CniErrorCode.DecodingFailure, "empty")]
    [InlineData("  \n", CniErrorCode.DecodingFailure, "empty")]
    [InlineData("{", CniErrorCode.DecodingFailure, "line 1")]
    [InlineData("[]", CniErrorCode.DecodingFailure, "a list, not a JSON object")]
    [InlineData("{}", CniErrorCode.IncompatibleVersion, "cniVersion is missing")]
    [InlineData("""{"cniVersion":"0.2.0","name":"n","type":"t"}""", CniErrorCode.IncompatibleVersion, "'0.2.0'")]
    [InlineData("""{"cniVersion":"9.9.9","name":"n","type":"t"}""", CniErrorCode.IncompatibleVersion, "'9.9.9'")]
    [InlineData("""{"cniVersion":1,"name":"n","type":"t"}""", CniErrorCode.IncompatibleVersion, "'1'")]
    [InlineData("""{"cniVersion":"1.0.0","type":"t"}""", CniErrorCode.InvalidConfiguration, "name is missing")]
    [InlineData("""{"cniVersion":"1.0.0","name":"a/b","type":"t"}""", CniErrorCode.InvalidConfiguration, "name 'a/b' contains '/'")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n"}""", CniErrorCode.InvalidConfiguration, "type is missing")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":7}""", CniErrorCode.InvalidConfiguration, "type: 7 is a number")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"t","mtu":"big"}""", CniErrorCode.InvalidConfiguration, "mtu: \"big\" is a string")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"t","mtu":67}""", CniErrorCode.InvalidConfiguration, "mtu: 67")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"t","mtu":1e99}""", CniErrorCode.InvalidConfiguration, "mtu: 1e99")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"t","agentSocket":"x.sock"}""", CniErrorCode.InvalidConfiguration, "agentSocket: 'x.sock'")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"t","agentSoket":"/x"}""", CniErrorCode.UnsupportedField, "'agentSoket' with value \"/x\"")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"t","ipMasq":false}""", CniErrorCode.UnsupportedField, "'ipMasq' with value false")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"t","ipam":{"type":"host-local"}}""", CniErrorCode.UnsupportedField, "'ipam'")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"t","dns":{"nameservers":["x"]}}""", CniErrorCode.InvalidConfiguration, "dns.nameservers: 'x'")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"t","dns":{"search":[1]}}""", CniErrorCode.InvalidConfiguration, "dns.search[0]")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"t","prevResult":{"ips":[{"address":"10.0.0.1"}]}}""", CniErrorCode.InvalidConfiguration, "prevResult.ips[0].address")]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","type":"t","prevResult":{"ips":[3]}}""", CniErrorCode.InvalidConfiguration, "prevResult.ips[0]")]
    [InlineData("""{"cniVersion":"1.1.0","name":"n","type":"t","cni.dev/valid-attachments":[{"containerID":"a"}]}""", CniErrorCode.InvalidConfiguration, "cni.dev/valid-attachments[0].ifname")]
    [InlineData("{\"cniVersion\":\"1.1.0\",\"name\":\"\\ud800\",\"type\":\"t\"}", CniErrorCode.DecodingFailure, "Unicode")]
    public void Refusals_carry_the_code_and_name_the_field(string json, int code, string inMessage)
    {
        var e = Assert.Throws<CniException>(() => Read(json));
        Assert.Equal(code, e.Code);
        Assert.Contains(inMessage, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Deletion_is_not_held_up_by_an_unknown_field() =>
        Assert.Equal("n", Read("""{"cniVersion":"1.0.0","name":"n","type":"t","agentSoket":"/x"}""", strict: false).Name);

    [Fact]
    public void Any_bytes_are_read_or_refused_with_an_error_of_ours()
    {
        var seed = Encoding.UTF8.GetBytes("""{"cniVersion":"1.1.0","name":"n","type":"t","mtu":1,"prevResult":{"ips":[{"address":"1.1.1.1/8"}]},"dns":{}}""");
        Gen.Select(Gen.Int[0, seed.Length - 1], Gen.Byte, Gen.Int[0, seed.Length]).Array[1, 4].Sample(edits =>
        {
            var bytes = (byte[])seed.Clone();
            var length = bytes.Length;
            foreach (var (at, value, cut) in edits)
            {
                bytes[at] = value;
                if (cut % 7 == 0)
                    length = Math.Min(length, cut);
            }
            try
            {
                CniConfigurationReader.Read(bytes.AsMemory(0, length));
            }
            catch (CniException)
            {
            }
        }, iter: 5000);
    }
}
