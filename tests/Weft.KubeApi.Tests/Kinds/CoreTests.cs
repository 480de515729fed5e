using CsCheck;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Kinds.Tables;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Tests.Kinds;

public class CoreTests
{
    private readonly KindFixture _kinds = new();

    [Fact]
    public void ANamespaceCarriesItsNameAsALabel()
    {
        var ns = _kinds.Create("namespaces", """{"metadata":{"name":"dev"}}""");
        Assert.Equal("dev", ns.ObjectAt("metadata", "labels").Text("kubernetes.io/metadata.name"));
        Assert.Equal(["kubernetes"], ns.Object("spec").Texts("finalizers"));
        Assert.Equal("Active", ns.Object("status").Text("phase"));
    }

    [Fact]
    public void StringDataGoesOverData()
    {
        var secret = _kinds.Create("secrets", """{"data":{"a":"MQ==","b":"Mg=="},"stringData":{"a":"one"}}""");
        Assert.Equal(("b25l", "Mg==", "Opaque"), (secret.Object("data").Text("a"), secret.Object("data").Text("b"), secret.Text("type")));
        Assert.False(secret.ContainsKey("stringData"));
    }

    [Theory]
    [InlineData("secrets", """{"type":"kubernetes.io/tls","data":{"tls.crt":"MQ=="}}""", "data[tls.key]: Required value")]
    [InlineData("secrets", """{"data":{"a b":"MQ=="}}""", "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')")]
    [InlineData("secrets", """{"type":"kubernetes.io/ssh-auth"}""", "data[ssh-privatekey]: Required value")]
    [InlineData("configmaps", """{"data":{"a":"1"},"binaryData":{"a":"MQ=="}}""", "data[a]: Invalid value: \"a\": duplicate of key present in binaryData")]
    [InlineData("leases.coordination.k8s.io", """{"spec":{"leaseDurationSeconds":0}}""", "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0")]
    [InlineData("events", """{"involvedObject":{"namespace":"other"}}""", "involvedObject.namespace: Invalid value: \"other\": does not match event.namespace")]
    [InlineData("nodes", """{"spec":{"podCIDR":"10.0.0.0/33"}}""", "spec.podCIDRs[0]: Invalid value: \"10.0.0.0/33\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    [InlineData("nodes", """{"spec":{"taints":[{"key":"a","effect":"Never"}]}}""", "spec.taints[0].effect: Unsupported value: \"Never\": supported values: \"NoExecute\", \"NoSchedule\", \"PreferNoSchedule\"")]
    [InlineData("servicecidrs.networking.k8s.io", """{"spec":{"cidrs":["10.0.0.1/24"]}}""", "spec.cidrs[0]: Invalid value: \"10.0.0.1/24\": must be in canonical form (\"10.0.0.0/24\")")]
    [InlineData("ipaddresses.networking.k8s.io", """{"spec":{}}""", "spec.parentRef: Required value")]
    public void Refuses(string resource, string json, string error) => Assert.Equal([error], _kinds.CreateErrors(resource, json));

    [Theory]
    [InlineData("10.0.0.1", null)]
    [InlineData("fd00::1", null)]
    [InlineData("fd00:0::1", "must be in canonical form (\"fd00::1\")")]
    [InlineData("ten", Names.BadIp)]
    public void AnIpAddressIsNamedByItsCanonicalForm(string name, string? wrong) =>
        Assert.Equal(wrong, _kinds.Definition("ipaddresses.networking.k8s.io").ValidateName!(name));

    [Fact]
    public void ImmutableMeansImmutable()
    {
        var map = _kinds.Create("configmaps", """{"data":{"a":"1"},"immutable":true}""");
        Assert.Equal(["data: Forbidden: field is immutable when `immutable` is set"], _kinds.UpdateErrors("configmaps", map, """{"data":{"a":"2"}}"""));
        Assert.Equal(["immutable: Forbidden: field is immutable when `immutable` is set"], _kinds.UpdateErrors("configmaps", map, """{"immutable":false}"""));
        var secret = _kinds.Create("secrets", "{}");
        Assert.Equal(["type: Invalid value: \"x/y\": field is immutable"], _kinds.UpdateErrors("secrets", secret, """{"type":"x/y"}"""));
    }

    [Fact]
    public void NodeTable()
    {
        var row = _kinds.Row("nodes", """
            {"metadata":{"name":"n","creationTimestamp":"2025-12-31T00:00:00Z","labels":{"node-role.kubernetes.io/worker":"","node-role.kubernetes.io/edge":""}},
             "spec":{"unschedulable":true},
             "status":{"conditions":[{"type":"Ready","status":"True"}],"addresses":[{"type":"InternalIP","address":"172.30.0.11"}],
               "nodeInfo":{"kubeletVersion":"v1.32.0","osImage":"Debian","kernelVersion":"6.18","containerRuntimeVersion":"weft://1"}}}
            """);
        Assert.Equal(["n", "Ready,SchedulingDisabled", "edge,worker", "25h", "v1.32.0", "172.30.0.11", "<none>", "Debian", "6.18", "weft://1"], row.Values);
    }

    [Fact]
    public void EventTable()
    {
        var row = _kinds.Row("events", """
            {"metadata":{"name":"e"},"type":"Warning","reason":"Failed","message":"no","count":3,"lastTimestamp":"2026-01-01T00:59:50Z",
             "firstTimestamp":"2026-01-01T00:00:00Z","involvedObject":{"kind":"Pod","name":"p"},"source":{"component":"kubelet","host":"n"}}
            """);
        Assert.Equal(["10s", "Warning", "Failed", "pod/p", "", "kubelet, n", "no", "60m", "3", "e"], row.Values);
    }

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(119, "119s")]
    [InlineData(120, "2m")]
    [InlineData(125, "2m5s")]
    [InlineData(600, "10m")]
    [InlineData(3 * 3600, "3h")]
    [InlineData(3 * 3600 + 60, "3h1m")]
    [InlineData(47 * 3600, "47h")]
    [InlineData(49 * 3600, "2d1h")]
    [InlineData(9 * 86400, "9d")]
    [InlineData(3 * 365 * 86400 + 86400, "3y1d")]
    public void AgesHaveTwoUnitsAtMost(int seconds, string text) => Assert.Equal(text, Age.Human(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("100m", 100)]
    [InlineData("1", 1000)]
    [InlineData("1.5", 1500)]
    [InlineData("2e3", 2_000_000)]
    [InlineData("1Ki", 1_024_000)]
    [InlineData("0.1m", 1)]
    [InlineData("-1", -1000)]
    [InlineData(".5", 500)]
    [InlineData("1M", 1_000_000_000)]
    public void QuantitiesReadExactly(string text, long millis)
    {
        Assert.True(Quantity.TryParse(text, out var quantity));
        Assert.Equal(millis, quantity.Millis);
    }

    [Theory]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("1.2.3")]
    [InlineData("1mi")]
    [InlineData("one")]
    [InlineData("1 Gi")]
    [InlineData("1e")]
    public void WhatIsNoQuantityIsRefused(string text) => Assert.False(Quantity.TryParse(text, out _));

    [Fact]
    public void QuantitiesOrderLikeTheirNumbers() =>
        Gen.Select(Gen.Int[-1000, 1000], Gen.Int[-1000, 1000]).Sample((a, b) =>
            Quantity.TryParse($"{a}m", out var left) && Quantity.TryParse($"{b}000u", out var right)
            && Math.Sign(left.CompareTo(right)) == a.CompareTo(b));

    [Theory]
    [InlineData("10.0.0.1", true)]
    [InlineData("10.0.0", false)]
    [InlineData("010.0.0.1", false)]
    [InlineData("fd00::1", true)]
    [InlineData("fe80::1%eth0", false)]
    [InlineData("0x7f.1", false)]
    public void AddressesAreDottedQuadsOrRfc4291(string text, bool good) => Assert.Equal(good, Names.Ip(text) is null);
}
