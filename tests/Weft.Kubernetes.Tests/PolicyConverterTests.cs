using System.Text.Json;
using Weft.Kubernetes.Api;
using Weft.Kubernetes.Convert;
using Weft.Model;
using Weft.Model.Policy;

namespace Weft.Kubernetes.Tests;

public class PolicyConverterTests
{
    private static NetworkPolicy Convert(string spec) => PolicyConverter.Convert(JsonSerializer.Deserialize(
        $$$"""{"metadata":{"name":"p","namespace":"default"},"spec":{{{spec}}}}""", ApiJson.Default.ApiNetworkPolicy)!);

    [Theory]
    [InlineData("""{"podSelector":{}}""", true, false)]
    [InlineData("""{"podSelector":{},"egress":[{}]}""", true, true)]
    [InlineData("""{"podSelector":{},"policyTypes":["Egress"]}""", false, true)]
    [InlineData("""{"podSelector":{},"policyTypes":["Ingress"],"egress":[{}]}""", true, false)]
    public void PolicyTypesDefaultAsTheApiSays(string spec, bool ingress, bool egress)
    {
        var policy = Convert(spec);
        Assert.Null(policy.Invalid);
        Assert.Equal((ingress, egress), (policy.IsolatesIngress, policy.IsolatesEgress));
    }

    [Theory]
    [InlineData("""{"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/33"}}]}]}""", "spec.ingress[0].from[0].ipBlock.cidr", "10.0.0.0/33")]
    [InlineData("""{"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/24","except":["10.0.1.0/28"]}}]}]}""", "spec.ingress[0].from[0].ipBlock.except[0]", "10.0.1.0/28")]
    [InlineData("""{"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/24"},"podSelector":{}}]}]}""", "spec.ingress[0].from[0]", "ipBlock")]
    [InlineData("""{"podSelector":{},"ingress":[{"from":[{}]}]}""", "spec.ingress[0].from[0]", "no peer")]
    [InlineData("""{"podSelector":{},"ingress":[{"ports":[{"port":0}]}]}""", "spec.ingress[0].ports[0].port", "0")]
    [InlineData("""{"podSelector":{},"ingress":[{"ports":[{"port":90,"endPort":80}]}]}""", "spec.ingress[0].ports[0].endPort", "80")]
    [InlineData("""{"podSelector":{},"ingress":[{"ports":[{"port":"web","endPort":80}]}]}""", "spec.ingress[0].ports[0].endPort", "80")]
    [InlineData("""{"podSelector":{},"ingress":[{"ports":[{"protocol":"ICMP"}]}]}""", "spec.ingress[0].ports[0].protocol", "ICMP")]
    [InlineData("""{"podSelector":{},"ingress":[{"form":[{"podSelector":{}}]}]}""", "spec.ingress[0].form", "unknown field")]
    [InlineData("""{"podSelector":{},"policyTypes":["Sideways"]}""", "spec.policyTypes[0]", "Sideways")]
    [InlineData("""{"podSelector":{"matchExpressions":[{"key":"a","operator":"Like","values":["b"]}]}}""", "spec.podSelector.matchExpressions[0].operator", "Like")]
    [InlineData("""{"podSelector":{"matchExpressions":[{"key":"a","operator":"In"}]}}""", "spec.podSelector.matchExpressions[0].values", "at least one")]
    public void WhatIsNotUnderstoodFailsClosedAndSaysWhere(string spec, string field, string found)
    {
        var policy = Convert(spec);
        Assert.NotNull(policy.Invalid);
        Assert.Contains("default/p", policy.Invalid);
        Assert.Contains(field, policy.Invalid);
        Assert.Contains(found, policy.Invalid);
        Assert.True(policy.IsolatesIngress && policy.IsolatesEgress);
        Assert.Empty(policy.Ingress);
        Assert.Empty(policy.Egress);
    }

    [Fact]
    public void HostBitsInACidrMeanItsNetwork()
    {
        var policy = Convert("""{"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.7/24"}}]}]}""");
        Assert.Equal("10.0.0.0/24", policy.Ingress[0].Peers[0].Block!.Cidr.ToString());
    }

    [Fact]
    public void PortsKeepNumberRangeNameAndDefaultProtocol()
    {
        var ports = Convert("""{"podSelector":{},"ingress":[{"ports":[{"port":80},{"port":"web","protocol":"UDP"},{"port":1000,"endPort":2000,"protocol":"SCTP"},{}]}]}""").Ingress[0].Ports;
        Assert.Equal(
            [new(Protocol.Tcp, 80, null, null), new(Protocol.Udp, null, null, "web"), new(Protocol.Sctp, 1000, 2000, null), new(Protocol.Tcp, null, null, null)],
            ports.ToArray());
    }
}
