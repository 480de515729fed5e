using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Tests.Kinds;

public class ServiceTests
{
    private readonly KindFixture _kinds = new();

    private void Ranges(params string[] cidrs) =>
        _kinds.Create("servicecidrs.networking.k8s.io",
            $$$"""{"metadata":{"name":"kubernetes"},"spec":{"cidrs":[{{{string.Join(",", cidrs.Select(c => $"\"{c}\""))}}}]}}""");

    private JsonObject Service(string spec, string name = "x") => _kinds.Create("services", $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{{{spec}}}}""");

    private string[] Errors(string spec) => _kinds.CreateErrors("services", $$$"""{"metadata":{"name":"y"},"spec":{{{spec}}}}""");

    [Fact]
    public void DefaultsAreThoseOfTheApiServer()
    {
        Ranges("10.96.0.0/16");
        var spec = Service("""{"selector":{"a":"b"},"ports":[{"port":80}],"type":"NodePort"}""").Object("spec")!;
        Assert.Equal("None", spec.Text("sessionAffinity"));
        Assert.Equal("Cluster", spec.Text("internalTrafficPolicy"));
        Assert.Equal("Cluster", spec.Text("externalTrafficPolicy"));
        Assert.Equal("SingleStack", spec.Text("ipFamilyPolicy"));
        Assert.Equal(["IPv4"], spec.Texts("ipFamilies"));
        Assert.Equal("TCP", (string?)spec["ports"]![0]!["protocol"]);
        Assert.Equal(80, (int)spec["ports"]![0]!["targetPort"]!);
        Assert.InRange((int)spec["ports"]![0]!["nodePort"]!, 30000, 32767);
        Assert.StartsWith("10.96.", spec.Text("clusterIP"), StringComparison.Ordinal);
        Assert.Equal([spec.Text("clusterIP")!], spec.Texts("clusterIPs"));
    }

    [Fact]
    public void EveryAddressOfARangeIsGivenOnceThenTheRangeIsFullUntilOneComesBack()
    {
        Ranges("10.0.0.0/28");
        var services = Enumerable.Range(0, 14).Select(i => Service("""{"ports":[{"port":80}]}""", $"s{i}")).ToList();
        Assert.Equal(14, services.Select(s => s.Object("spec").Text("clusterIP")).Distinct().Count());
        Assert.DoesNotContain("10.0.0.0", services.Select(s => s.Object("spec").Text("clusterIP")));
        Assert.DoesNotContain("10.0.0.15", services.Select(s => s.Object("spec").Text("clusterIP")));
        Assert.Contains("range 10.0.0.0/28 is full", Assert.Single(Errors("""{"ports":[{"port":80}]}""")));

        _kinds.Delete("services", services[3]);
        Assert.Equal(services[3].Object("spec").Text("clusterIP"), Service("""{"ports":[{"port":80}]}""", "again").Object("spec").Text("clusterIP"));
    }

    [Fact]
    public void AddressObjectsComeAndGoWithTheService()
    {
        Ranges("10.96.0.0/16", "fd00:96::/112");
        var service = Service("""{"clusterIP":"10.96.0.10","ipFamilyPolicy":"PreferDualStack","ports":[{"port":53}]}""", "dns");
        var second = service.Object("spec").Texts("clusterIPs").Last();
        Assert.StartsWith("fd00:96::", second, StringComparison.Ordinal);
        Assert.Equal(["10.96.0.10", second], _kinds.Client.Objects.Keys.Select(k => k.Name));
        Assert.Equal("dns", _kinds.Client.Objects[("ipaddresses.networking.k8s.io", "10.96.0.10")].ObjectAt("spec", "parentRef").Text("name"));
        _kinds.Delete("services", service);
        Assert.Empty(_kinds.Client.Objects);
    }

    [Fact]
    public void ARefusedWriteGivesBackWhatItTook()
    {
        Ranges("10.0.0.0/30");
        // Two usable addresses: the node port is out of range, so neither may stay taken.
        for (var i = 0; i < 5; i++)
            Assert.Contains("not in the valid range", Assert.Single(Errors("""{"type":"NodePort","ports":[{"port":80,"nodePort":80}]}""")));
        Service("""{"ports":[{"port":80}]}""", "a");
        Service("""{"ports":[{"port":80}]}""", "b");
    }

    [Fact]
    public void ARequestedAddressOrPortIsRefusedWhenTakenOrOutOfRange()
    {
        Ranges("10.96.0.0/16");
        Service("""{"clusterIP":"10.96.0.10","type":"NodePort","ports":[{"port":53,"nodePort":30053}]}""");
        Assert.Equal(["spec.clusterIPs: Invalid value: [\"10.96.0.10\"]: failed to allocate IP 10.96.0.10: provided IP is already allocated"],
            Errors("""{"clusterIP":"10.96.0.10","ports":[{"port":53}]}"""));
        Assert.Equal(["spec.clusterIPs: Invalid value: [\"192.0.2.1\"]: failed to allocate IP 192.0.2.1: the provided IP (192.0.2.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16"],
            Errors("""{"clusterIP":"192.0.2.1","ports":[{"port":53}]}"""));
        Assert.Equal(["spec.ports[0].nodePort: Invalid value: 30053: provided port is already allocated"],
            Errors("""{"type":"NodePort","ports":[{"port":53,"nodePort":30053}]}"""));
        Assert.Equal(["spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767"],
            Errors("""{"type":"NodePort","ports":[{"port":53,"nodePort":80}]}"""));
    }

    [Fact]
    public void OnePortWithTwoProtocolsHasOneNodePort()
    {
        Ranges("10.96.0.0/16");
        var ports = Service("""{"type":"NodePort","ports":[{"name":"a","port":53,"protocol":"UDP"},{"name":"b","port":53,"protocol":"TCP"}]}""")["spec"]!["ports"]!;
        Assert.Equal((int)ports[0]!["nodePort"]!, (int)ports[1]!["nodePort"]!);
    }

    [Theory]
    [InlineData("""{"clusterIP":"None","selector":{"a":"b"}}""", "SingleStack", "IPv4", "None")]
    [InlineData("""{"clusterIP":"None"}""", "RequireDualStack", "IPv4,IPv6", "None")]
    public void HeadlessServicesHaveFamiliesButNoAddress(string spec, string policy, string families, string ip)
    {
        Ranges("10.96.0.0/16");
        var service = Service(spec).Object("spec");
        Assert.Equal((policy, families, ip), (service.Text("ipFamilyPolicy"), string.Join(",", service.Texts("ipFamilies")), service.Text("clusterIP")));
        Assert.Empty(_kinds.Client.Objects);
    }

    [Theory]
    [InlineData("""{"ipFamilyPolicy":"RequireDualStack","ports":[{"port":80}]}""",
        "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services")]
    [InlineData("""{"ipFamilies":["IPv6"],"ports":[{"port":80}]}""", "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster")]
    [InlineData("""{"ports":[]}""", "spec.ports: Required value")]
    [InlineData("""{"ports":[{"port":0,"targetPort":1}]}""", "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive")]
    [InlineData("""{"ports":[{"port":80},{"name":"b","port":81}]}""", "spec.ports[0].name: Required value")]
    [InlineData("""{"ports":[{"name":"a","port":80},{"name":"a","port":81}]}""", "spec.ports[1].name: Duplicate value: \"a\"")]
    [InlineData("""{"ports":[{"name":"a","port":80},{"name":"b","port":80}]}""", "spec.ports[1]: Duplicate value: {\"port\":80,\"protocol\":\"TCP\"}")]
    [InlineData("""{"type":"Virtual","ports":[{"port":80}]}""",
        "spec.type: Unsupported value: \"Virtual\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"")]
    [InlineData("""{"type":"ExternalName"}""", "spec.externalName: Required value")]
    [InlineData("""{"ports":[{"port":80,"nodePort":30000}]}""", "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'")]
    [InlineData("""{"externalTrafficPolicy":"Local","ports":[{"port":80}]}""",
        "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services")]
    [InlineData("""{"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":100000}},"ports":[{"port":80}]}""",
        "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 100000: must be greater than 0 and less than 86400")]
    public void RefusesBadServices(string spec, string error)
    {
        Ranges("10.96.0.0/16");
        Assert.Equal([error], Errors(spec));
    }

    [Fact]
    public void WithoutARangeTheErrorSaysWhatToCreate() =>
        Assert.Contains("create one named kubernetes", Assert.Single(Errors("""{"ports":[{"port":80}]}""")));

    [Fact]
    public void AnUpdateKeepsWhatItDoesNotMentionAndMayNotMoveTheAddress()
    {
        Ranges("10.96.0.0/16");
        var old = Service("""{"type":"NodePort","ports":[{"port":80}]}""");
        var kept = _kinds.Update("services", old, """{"spec":{"clusterIP":null,"clusterIPs":null,"ports":[{"port":80}]}}""");
        Assert.Equal(old.Object("spec").Text("clusterIP"), kept.Object("spec").Text("clusterIP"));
        Assert.Equal(old["spec"]!["ports"]![0].Integer("nodePort"), kept["spec"]!["ports"]![0].Integer("nodePort"));
        Assert.Contains("spec.clusterIPs[0]: Invalid value: [\"10.96.9.9\"]: may not change once set",
            _kinds.UpdateErrors("services", old, """{"spec":{"clusterIP":"10.96.9.9"}}"""));
    }

    [Fact]
    public void ChangesOfTypeDropAndTakeWhatTheTypeNeeds()
    {
        Ranges("10.96.0.0/16");
        var node = Service("""{"type":"NodePort","ports":[{"port":80}]}""");
        var cluster = _kinds.Update("services", node, """{"spec":{"type":"ClusterIP"}}""");
        Assert.Null(cluster["spec"]!["ports"]![0]!["nodePort"]);
        Assert.Null(cluster["spec"]!["externalTrafficPolicy"]);
        var name = _kinds.Update("services", node, """{"spec":{"type":"ExternalName","externalName":"example.com"}}""");
        Assert.Null(name["spec"]!["clusterIP"]);
        Assert.Empty(_kinds.UpdateErrors("services", node, """{"spec":{"type":"ExternalName","externalName":"example.com"}}"""));
    }

    [Fact]
    public void GrowsToTwoFamiliesAndBack()
    {
        Ranges("10.96.0.0/16", "fd00:96::/112");
        var single = Service("""{"ports":[{"port":80}]}""");
        var dual = _kinds.Update("services", single, """{"spec":{"ipFamilyPolicy":"PreferDualStack"}}""");
        Assert.Equal(["IPv4", "IPv6"], dual.Object("spec").Texts("ipFamilies"));
        Assert.Equal(2, dual.Object("spec").Texts("clusterIPs").Count());
        var back = _kinds.Update("services", dual, """{"spec":{"ipFamilyPolicy":"SingleStack"}}""");
        Assert.Equal(single.Object("spec").Texts("clusterIPs"), back.Object("spec").Texts("clusterIPs"));
    }

    [Theory]
    [InlineData("IPv4", "10.0.0.1", null)]
    [InlineData("IPv4", "fd00::1", "endpoints[0].addresses[0]: Invalid value: \"fd00::1\": must be a valid IPv4 address")]
    [InlineData("IPv4", "127.0.0.1", "endpoints[0].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)")]
    [InlineData("IPX", "10.0.0.1", "addressType: Unsupported value: \"IPX\": supported values: \"FQDN\", \"IPv4\", \"IPv6\"")]
    public void EndpointSlicesHoldAddressesOfTheirType(string type, string address, string? error)
    {
        var errors = _kinds.CreateErrors("endpointslices.discovery.k8s.io",
            $$$"""{"addressType":"{{{type}}}","endpoints":[{"addresses":["{{{address}}}"]}],"ports":[{"port":80}]}""");
        Assert.Equal(error is null ? [] : [error], errors.Where(e => type != "IPX" || !e.StartsWith("endpoints", StringComparison.Ordinal)));
    }
}
