using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Weft.Primitives;
using Weft.Wire.Cni;

namespace Weft.Wire.Tests.Cni;

public class CniJsonTests
{
    private static readonly CniResult Result = new(
        [new CniInterface("weft0", "ee:00:00:00:00:01"), new CniInterface("eth0", "02:00:00:00:00:01", "/run/netns/a", 1450)],
        [
            new CniIp(IPAddress.Parse("10.244.1.5"), 32, IPAddress.Parse("169.254.1.1"), 1),
            new CniIp(IPAddress.Parse("fd00::5"), 128, IPAddress.Parse("fe80::1"), 1),
        ],
        [new CniRoute(IpPrefix.AllIPv4, IPAddress.Parse("169.254.1.1"))],
        new CniDns(["10.96.0.10"], null, [], []));

    private static JsonNode Parse(byte[] json) => JsonNode.Parse(json)!;

    // 0.3.1 and 0.4.0 have ips[].version, 1.0.0 dropped it; 1.1.0 added interfaces[].mtu.
    [Theory]
    [InlineData(CniVersion.V031, true, false)]
    [InlineData(CniVersion.V040, true, false)]
    [InlineData(CniVersion.V100, false, false)]
    [InlineData(CniVersion.V110, false, true)]
    public void A_result_has_the_shape_of_its_version(CniVersion version, bool hasFamily, bool hasMtu)
    {
        var json = Parse(CniJson.Result(version, Result));
        Assert.Equal(version.Text(), (string?)json["cniVersion"]);
        Assert.Equal(hasFamily ? "4" : null, (string?)json["ips"]![0]!["version"]);
        Assert.Equal(hasFamily ? "6" : null, (string?)json["ips"]![1]!["version"]);
        Assert.Equal(hasMtu ? 1450 : null, (int?)json["interfaces"]![1]!["mtu"]);
        Assert.Equal("10.244.1.5/32", (string?)json["ips"]![0]!["address"]);
        Assert.Equal("169.254.1.1", (string?)json["ips"]![0]!["gateway"]);
        Assert.Equal(1, (int?)json["ips"]![0]!["interface"]);
        Assert.Null(json["interfaces"]![0]!["sandbox"]);
        Assert.Equal("/run/netns/a", (string?)json["interfaces"]![1]!["sandbox"]);
        Assert.Equal("0.0.0.0/0", (string?)json["routes"]![0]!["dst"]);
        Assert.Equal("10.96.0.10", (string?)json["dns"]!["nameservers"]![0]);
    }

    [Theory]
    [InlineData(CniVersion.V031)]
    [InlineData(CniVersion.V110)]
    public void What_is_written_as_a_result_is_read_as_prevResult(CniVersion version)
    {
        var text = Encoding.UTF8.GetString(CniJson.Result(version, Result));
        var config = $$"""{"cniVersion":"{{version.Text()}}","name":"n","type":"t","prevResult":{{text}}}""";
        var read = CniConfigurationReader.Read(Encoding.UTF8.GetBytes(config)).PreviousResult!;
        Assert.Equal(Result.Ips, read.Ips);
        Assert.Equal(Result.Routes, read.Routes);
        Assert.Equal(Result.Dns, read.Dns);
    }

    [Fact]
    public void A_chained_result_keeps_the_indexes_of_the_plugins_before()
    {
        var previous = new CniResult([new CniInterface("lo")], [new CniIp(IPAddress.Loopback, 8, null, 0)], [], CniDns.Empty);
        var chained = Result.After(previous);
        Assert.Equal(["lo", "weft0", "eth0"], chained.Interfaces.Select(i => i.Name));
        Assert.Equal([0, 2, 2], chained.Ips.Select(i => i.Interface!.Value));
    }

    [Fact]
    public void An_error_says_code_message_and_details()
    {
        var json = Parse(CniJson.Error(CniVersion.V040, new CniException(11, "not 'ready'", "later")));
        Assert.Equal(("0.4.0", 11, "not 'ready'", "later"), ((string?)json["cniVersion"], (int?)json["code"], (string?)json["msg"], (string?)json["details"]));
        Assert.False(Parse(CniJson.Error(CniVersion.V040, new CniException(11, "x"))).AsObject().ContainsKey("details"));
    }

    [Fact]
    public void Version_lists_what_is_supported()
    {
        var json = Parse(CniJson.Version(CniVersion.V100));
        Assert.Equal("1.0.0", (string?)json["cniVersion"]);
        Assert.Equal(["0.3.1", "0.4.0", "1.0.0", "1.1.0"], json["supportedVersions"]!.AsArray().Select(v => (string?)v));
    }

    [Fact]
    public void The_configuration_list_names_plugin_and_socket()
    {
        var json = Parse(CniJson.ConfigurationList("weft", "/run/x.sock", 1400));
        Assert.Equal("1.0.0", (string?)json["cniVersion"]);
        Assert.Contains("1.1.0", json["cniVersions"]!.AsArray().Select(v => (string?)v));
        var plugin = json["plugins"]![0]!;
        Assert.Equal(("weft-cni", "/run/x.sock", 1400), ((string?)plugin["type"], (string?)plugin["agentSocket"], (int?)plugin["mtu"]));
    }
}
