using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Weft.KubeApi.Streams;
using Weft.Lab.Kubelet;
using Weft.Lab.Network;
using Weft.Lab.Objects;

namespace Weft.Lab.Tests.Kubelet;

public sealed class KubeletPieceTests
{
    private static JsonObject Parse(string json) => (JsonObject)JsonNode.Parse(json)!;

    [Theory]
    [InlineData("$(A)", "1")]
    [InlineData("$(A)-$(B)", "1-$(B)")]
    [InlineData("$$(A)", "$(A)")]
    [InlineData("$A", "$A")]
    [InlineData("$(A", "$(A")]
    [InlineData("a$", "a$")]
    [InlineData("$$$(A)", "$1")]
    public void References_expand_as_the_api_says(string text, string expected) =>
        Assert.Equal(expected, PodEnvironment.Expand(text, new Dictionary<string, string> { ["A"] = "1" }));

    [Theory]
    [InlineData("ClusterFirst", false, "nameserver 10.96.0.10\nsearch ns.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n")]
    [InlineData("ClusterFirst", true, "nameserver 1.2.3.4\nsearch example.org\n")]
    [InlineData("ClusterFirstWithHostNet", true, "nameserver 10.96.0.10\nsearch ns.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n")]
    [InlineData("Default", false, "nameserver 1.2.3.4\nsearch example.org\n")]
    [InlineData("None", false, "")]
    public void Each_dns_policy_makes_its_own_resolv_conf(string policy, bool hostNetwork, string expected)
    {
        var pod = Parse($$"""{"metadata":{"namespace":"ns"},"spec":{"dnsPolicy":"{{policy}}","hostNetwork":{{(hostNetwork ? "true" : "false")}} } }""");
        Assert.Equal(expected, PodFiles.ResolvConf(pod, [IPAddress.Parse("10.96.0.10")], "cluster.local", "nameserver 1.2.3.4\nsearch example.org\n"));
    }

    [Fact]
    public void A_dns_config_adds_to_the_policy_and_overrides_options()
    {
        var pod = Parse("""{"metadata":{"namespace":"ns"},"spec":{"dnsConfig":{"nameservers":["9.9.9.9"],"searches":["x.y"],"options":[{"name":"ndots","value":"1"},{"name":"edns0"}]}}}""");
        Assert.Equal(
            "nameserver 10.96.0.10\nnameserver 9.9.9.9\nsearch ns.svc.cluster.local svc.cluster.local cluster.local x.y\noptions ndots:1 edns0\n",
            PodFiles.ResolvConf(pod, [IPAddress.Parse("10.96.0.10")], "cluster.local", ""));
    }

    [Fact]
    public void A_pod_with_a_subdomain_knows_its_full_name()
    {
        var pod = Parse("""{"metadata":{"namespace":"ns","name":"p"},"spec":{"hostname":"h","subdomain":"s","hostAliases":[{"ip":"1.1.1.1","hostnames":["a","b"]}]}}""");
        string hosts = PodFiles.Hosts(pod, ["10.244.0.2"], "cluster.local");
        Assert.Contains("10.244.0.2\th.s.ns.svc.cluster.local\th\n", hosts, StringComparison.Ordinal);
        Assert.EndsWith("1.1.1.1\ta\tb\n", hosts, StringComparison.Ordinal);
    }

    [Fact]
    public void Plugins_get_the_capabilities_that_they_ask_for_and_the_result_before_them()
    {
        var network = CniNetwork.Parse("""{"cniVersion":"1.1.0","name":"n","plugins":[{"type":"a","capabilities":{"portMappings":true,"ips":false}},{"type":"b"}]}""");
        var arguments = Parse("""{"portMappings":[{"hostPort":1}],"ips":["x"]}""");
        var first = network.ConfigOf(network.Plugins[0], null, arguments);
        Assert.Equal("""{"type":"a","name":"n","cniVersion":"1.1.0","runtimeConfig":{"portMappings":[{"hostPort":1}]}}""", first.ToJsonString());
        var second = network.ConfigOf(network.Plugins[1], Parse("""{"ips":[]}"""), arguments);
        Assert.Equal("""{"type":"b","name":"n","cniVersion":"1.1.0","prevResult":{"ips":[]}}""", second.ToJsonString());
    }

    [Fact]
    public void A_pods_ports_and_limits_become_capabilities()
    {
        var pod = Parse("""
            {"metadata":{"annotations":{"kubernetes.io/ingress-bandwidth":"10M","kubernetes.io/egress-bandwidth":"512k"}},
             "spec":{"containers":[{"ports":[{"containerPort":80},{"containerPort":53,"hostPort":53,"protocol":"UDP","hostIP":"127.0.0.1"}]}]}}
            """);
        Assert.Equal(
            """{"portMappings":[{"hostPort":53,"containerPort":53,"protocol":"udp","hostIP":"127.0.0.1"}],"bandwidth":{"ingressRate":10000000,"ingressBurst":4294967295,"egressRate":512000,"egressBurst":4294967295}}""",
            Sandbox.Capabilities(pod).ToJsonString());
        foreach (var wrong in new[] { "fast", "10", "-1M", "2P" })
        {
            pod["metadata"]!["annotations"]!["kubernetes.io/egress-bandwidth"] = wrong;
            Assert.Contains($"egress-bandwidth is '{wrong}'", Assert.Throws<CniException>(() => Sandbox.Capabilities(pod)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"name\":\"n\",\"plugins\":[]}")]
    [InlineData("{\"name\":\"n\",\"plugins\":[{}]}")]
    public void A_bad_network_configuration_is_refused(string text) => Assert.Throws<CniException>(() => CniNetwork.Parse(text));

    [Fact]
    public void A_plugins_error_is_told_with_its_code()
    {
        var e = Assert.Throws<CniException>(() => CniRuntime.Interpret("ADD", "p", 1, """{"code":11,"msg":"try again","details":"later"}""", ""));
        Assert.Equal(11, e.Code);
        Assert.Equal("plugin p ADD failed (code 11): try again: later", e.Message);
        Assert.Contains("no memory", Assert.Throws<CniException>(() => CniRuntime.Interpret("DEL", "p", 2, "", "no memory")).Message, StringComparison.Ordinal);
        Assert.Contains("no JSON", Assert.Throws<CniException>(() => CniRuntime.Interpret("ADD", "p", 0, "hello", "")).Message, StringComparison.Ordinal);
        Assert.Null(CniRuntime.Interpret("DEL", "p", 0, "", ""));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 10)]
    [InlineData(2, 20)]
    [InlineData(5, 160)]
    [InlineData(6, 300)]
    [InlineData(60, 300)]
    public void Restarts_slow_down_as_kubelets_do(int restarts, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Container.BackOff(restarts));

    [Theory]
    [InlineData("", "0000000000")]
    [InlineData("ab", "00000000040A026162")]
    public void Grpc_health_requests_are_framed(string service, string hex) => Assert.Equal(hex, Convert.ToHexString(Probe.HealthRequest(service)));

    [Theory]
    [InlineData("00000000020801", 1)]
    [InlineData("00000000020802", 2)]
    [InlineData("0000000000", 0)]
    [InlineData("", 0)]
    public void Grpc_health_answers_are_read(string hex, int status) => Assert.Equal(status, Probe.HealthStatus(Convert.FromHexString(hex)));

    [Fact]
    public async Task Logs_are_kept_line_by_line_and_given_back_as_asked()
    {
        string path = Path.Combine(Path.GetTempPath(), $"weft-log-{Guid.NewGuid():N}", "0.log");
        try
        {
            using (var log = new ContainerLog(path, TimeProvider.System))
            {
                string longLine = new('x', 40_000);
                await log.PumpAsync(new MemoryStream(Encoding.UTF8.GetBytes($"one\n{longLine}\nlast")), isError: false);
                await log.PumpAsync(new MemoryStream("oops\n"u8.ToArray()), isError: true);
                Assert.Equal($"one\n{longLine}\nlast\noops\n", await ReadAsync(path, new LogOptions(false, false, null, null, null, false, null)));
            }

            Assert.Equal("last\noops\n", await ReadAsync(path, new LogOptions(false, false, 2, null, null, false, null)));
            Assert.Equal("one", await ReadAsync(path, new LogOptions(false, false, null, null, null, false, 3)));
            Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z oops\n$", await ReadAsync(path, new LogOptions(false, false, 1, null, null, true, null)));
            Assert.Equal("", await ReadAsync(path, new LogOptions(false, false, null, null, DateTimeOffset.UtcNow.AddHours(1), false, null)));
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    private static async Task<string> ReadAsync(string path, LogOptions options)
    {
        using var output = new MemoryStream();
        await ContainerLog.CopyAsync(path, options, output, TimeProvider.System, () => false, default);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    [Fact]
    public void A_status_patch_carries_the_difference_only()
    {
        var from = Parse("""{"a":1,"b":{"c":[1],"d":"x"},"e":true}""");
        var to = Parse("""{"a":1,"b":{"c":[1,2],"d":"x"},"f":null}""");
        Assert.Equal("""{"b":{"c":[1,2]},"e":null}""", StatusPatch.Between(from, to)!.ToJsonString());
        Assert.Null(StatusPatch.Between(from, from.Copy()));
    }

    [Theory]
    [InlineData("500m", 0.5)]
    [InlineData("2Ki", 2048)]
    [InlineData("1.5", 1.5)]
    [InlineData("1e3", 1000)]
    [InlineData("3M", 3000000)]
    [InlineData("junk", 0)]
    public void Quantities_are_read(string text, double value) => Assert.Equal((decimal)value, Quantities.Parse(JsonValue.Create(text)));

    [Fact]
    public void A_refused_question_becomes_its_own_answer()
    {
        byte[] message = [0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
        DnsRelay.Refuse(message);
        Assert.Equal("123481820001000000000000", Convert.ToHexStringLower(message));
        Assert.Equal([IPAddress.Parse("1.1.1.1"), IPAddress.Parse("::1")], DnsRelay.ParseServers(["# x", "nameserver 1.1.1.1", "search a", "nameserver ::1", "nameserver junk"]));
    }
}
