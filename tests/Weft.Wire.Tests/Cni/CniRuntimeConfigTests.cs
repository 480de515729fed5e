using System.Net;
using System.Text;
using Weft.Wire.Cni;

namespace Weft.Wire.Tests.Cni;

/// <summary>CONVENTIONS.md, "Well-known Capabilities" and "args in network config".</summary>
public class CniRuntimeConfigTests
{
    private static CniRuntimeConfig Read(string runtime, string more = "") =>
        CniConfigurationReader.Read(Encoding.UTF8.GetBytes($$"""{"cniVersion":"1.1.0","name":"n","type":"weft-cni","runtimeConfig":{{runtime}}{{more}}}""")).Runtime;

    [Fact]
    public void Reads_every_capability()
    {
        var r = Read("""
            {"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp"},{"hostPort":53,"containerPort":5353,"protocol":"UDP","hostIP":"192.0.2.1"},
               {"hostPort":8080,"containerPort":80,"protocol":"Sctp","hostIP":""},{"hostPort":81,"containerPort":81,"hostIP":"::"}],
             "bandwidth":{"ingressRate":2048,"ingressBurst":1600,"egressRate":100000000,"egressBurst":0},
             "ips":["10.244.1.9/24","fd00::9"],"mac":"c2-11-22-33-44-55",
             "dns":{"servers":["8.8.8.8"],"searches":["a.b"],"options":["ndots:5"]},
             "aliases":["My-Container","db","db"],"cgroupPath":"/x"}
            """);
        Assert.Equal(
            [
                new CniPortMapping(6, 8080, 80, null),
                new CniPortMapping(17, 53, 5353, IPAddress.Parse("192.0.2.1")),
                new CniPortMapping(132, 8080, 80, null),
                new CniPortMapping(6, 81, 81, IPAddress.IPv6Any),
            ],
            r.PortMappings);
        // A tenth of a second's worth where the burst is not given.
        Assert.Equal(new CniBandwidth(2048, 1600, 100_000_000, 10_000_000), r.Bandwidth);
        Assert.Equal(["10.244.1.9", "fd00::9"], r.Ips.Select(i => i.ToString()));
        Assert.Equal(0xc21122334455UL, r.Mac);
        Assert.Equal(new CniDns(["8.8.8.8"], null, ["a.b"], ["ndots:5"]), r.Dns);
        Assert.Equal(["my-container", "db"], r.Aliases);
    }

    [Fact]
    public void Takes_the_names_of_structures_in_Go_as_containerd_writes_them()
    {
        var r = Read("""
            {"portMappings":[{"HostPort":8080,"ContainerPort":80,"Protocol":"tcp","HostIP":""}],"dns":{"Servers":["8.8.8.8"],"Searches":null,"Options":[]},
             "bandwidth":{"IngressRate":2048,"IngressBurst":1600,"EgressRate":0,"EgressBurst":0}}
            """);
        Assert.Equal([new CniPortMapping(6, 8080, 80, null)], r.PortMappings);
        Assert.Equal(2048, r.Bandwidth!.IngressRate);
        Assert.Equal(["8.8.8.8"], r.Dns!.Nameservers);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"portMappings":null,"bandwidth":null,"ips":null,"mac":null,"dns":null,"aliases":null,"ipRanges":null}""")]
    [InlineData("""{"portMappings":[],"bandwidth":{},"ips":[],"mac":"","dns":{},"aliases":[]}""")]
    public void Nothing_asked_is_nothing(string json) => Assert.Equal(CniRuntimeConfig.Empty, Read(json));

    [Fact]
    public void Aliases_may_be_given_by_network_as_podman_does() =>
        Assert.Equal(["a"], Read("""{"aliases":{"n":["a"],"other":["b"]}}""").Aliases);

    [Fact]
    public void The_runtime_s_wish_goes_before_args()
    {
        const string args = ""","args":{"cni":{"ips":["10.0.0.2/24"],"mac":"02:00:00:00:00:02","labels":[{"key":"a","value":"b"}]},"other":1}""";
        var both = Read("""{"ips":["10.0.0.1"],"mac":"02:00:00:00:00:01"}""", args);
        Assert.Equal(("10.0.0.1", 0x020000000001UL), (both.Ips.Single().ToString(), both.Mac));
        var alone = Read("{}", args);
        Assert.Equal(("10.0.0.2", 0x020000000002UL), (alone.Ips.Single().ToString(), alone.Mac));
    }

    [Theory]
    [InlineData("[]", 7, "runtimeConfig: [] is a list")]
    [InlineData("""{"ipRanges":[[{"subnet":"10.1.2.0/24"}]]}""", 2, "'runtimeConfig.ipRanges' with value [[{")]
    [InlineData("""{"deviceID":"0000:04:00.5"}""", 2, "'runtimeConfig.deviceID' with value \"0000:04:00.5\"")]
    [InlineData("""{"portMappings":{}}""", 7, "runtimeConfig.portMappings: {} is an object")]
    [InlineData("""{"portMappings":[1]}""", 7, "runtimeConfig.portMappings[0]: 1 is a number")]
    [InlineData("""{"portMappings":[{"hostPort":1,"containerPort":1},{"hostPort":0,"containerPort":1}]}""", 7, "runtimeConfig.portMappings[1].hostPort: 0")]
    [InlineData("""{"portMappings":[{"hostPort":65536,"containerPort":1}]}""", 7, "runtimeConfig.portMappings[0].hostPort: 65536")]
    [InlineData("""{"portMappings":[{"hostPort":1.5,"containerPort":1}]}""", 7, "runtimeConfig.portMappings[0].hostPort: 1.5")]
    [InlineData("""{"portMappings":[{"hostPort":"80","containerPort":1}]}""", 7, "runtimeConfig.portMappings[0].hostPort: \"80\" is a string")]
    [InlineData("""{"portMappings":[{"hostPort":80}]}""", 7, "runtimeConfig.portMappings[0].containerPort is missing")]
    [InlineData("""{"portMappings":[{"containerPort":80}]}""", 7, "runtimeConfig.portMappings[0].hostPort is missing")]
    [InlineData("""{"portMappings":[{"hostPort":1,"containerPort":1,"protocol":"icmp"}]}""", 7, "runtimeConfig.portMappings[0].protocol: 'icmp'")]
    [InlineData("""{"portMappings":[{"hostPort":1,"containerPort":1,"hostIP":"host"}]}""", 7, "runtimeConfig.portMappings[0].hostIP: 'host'")]
    [InlineData("""{"portMappings":[{"hostPort":1,"containerPort":1},{"hostPort":1,"containerPort":2}]}""", 7, "runtimeConfig.portMappings[1]: hostPort 1 is given twice")]
    [InlineData("""{"bandwidth":[]}""", 7, "runtimeConfig.bandwidth: [] is a list")]
    [InlineData("""{"bandwidth":{"ingressRate":-1}}""", 7, "runtimeConfig.bandwidth.ingressRate: -1")]
    [InlineData("""{"bandwidth":{"egressRate":1e30}}""", 7, "runtimeConfig.bandwidth.egressRate: 1e30")]
    [InlineData("""{"bandwidth":{"ingressBurst":5}}""", 7, "runtimeConfig.bandwidth.ingressBurst: 5 without ingressRate")]
    [InlineData("""{"bandwidth":{"ingressRate":1,"ingressBurst":34359738361}}""", 7, "runtimeConfig.bandwidth.ingressBurst: 34359738361")]
    [InlineData("""{"ips":"10.0.0.1"}""", 7, "runtimeConfig.ips: \"10.0.0.1\" is a string")]
    [InlineData("""{"ips":[7]}""", 7, "runtimeConfig.ips[0]: 7 is a number")]
    [InlineData("""{"ips":["10.0.0.300"]}""", 7, "runtimeConfig.ips: '10.0.0.300' is not an IP address")]
    [InlineData("""{"ips":["10.0.0.1/99"]}""", 7, "runtimeConfig.ips: '10.0.0.1/99'")]
    [InlineData("""{"ips":["0.0.0.0"]}""", 7, "runtimeConfig.ips: '0.0.0.0' is the unspecified address")]
    [InlineData("""{"ips":["fe80::1"]}""", 7, "runtimeConfig.ips: 'fe80::1' is a link-local address")]
    [InlineData("""{"ips":["::ffff:10.0.0.1"]}""", 7, "is an IPv4-mapped address")]
    [InlineData("""{"mac":"zz:11:22:33:44:55"}""", 7, "runtimeConfig.mac: 'zz:11:22:33:44:55'")]
    [InlineData("""{"mac":"00:00:00:00:00:00"}""", 7, "runtimeConfig.mac: '00:00:00:00:00:00'")]
    [InlineData("""{"mac":"ff:ff:ff:ff:ff:ff"}""", 7, "runtimeConfig.mac: 'ff:ff:ff:ff:ff:ff'")]
    [InlineData("""{"mac":5}""", 7, "runtimeConfig.mac: 5 is a number")]
    [InlineData("""{"dns":{"servers":["dns.example"]}}""", 7, "runtimeConfig.dns.servers: 'dns.example'")]
    [InlineData("""{"dns":{"searches":"x"}}""", 7, "runtimeConfig.dns.searches: \"x\" is a string")]
    [InlineData("""{"aliases":"db"}""", 7, "runtimeConfig.aliases: \"db\" is a string")]
    [InlineData("""{"aliases":["a b"]}""", 7, "runtimeConfig.aliases[0]: 'a b'")]
    [InlineData("""{"aliases":["a",""]}""", 7, "runtimeConfig.aliases[1]: ''")]
    [InlineData("""{"aliases":["a..b"]}""", 7, "runtimeConfig.aliases[0]: 'a..b'")]
    [InlineData("""{"aliases":{"n":["-a"]}}""", 7, "runtimeConfig.aliases.n[0]: '-a'")]
    public void Refusals_name_the_path_of_the_field_and_the_value(string json, int code, string inMessage)
    {
        var e = Assert.Throws<CniException>(() => Read(json));
        Assert.Equal(code, e.Code);
        Assert.Contains(inMessage, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"cni":[]}""", "args.cni: [] is a list")]
    [InlineData("""{"cni":{"ips":["x"]}}""", "args.cni.ips: 'x'")]
    [InlineData("""{"cni":{"mac":"x"}}""", "args.cni.mac: 'x'")]
    public void Refusals_of_args_do_too(string args, string inMessage)
    {
        var e = Assert.Throws<CniException>(() => Read("{}", $",\"args\":{args}"));
        Assert.Equal(CniErrorCode.InvalidConfiguration, e.Code);
        Assert.Contains(inMessage, e.Message, StringComparison.Ordinal);
    }
}
