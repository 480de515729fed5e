using System.Net;
using System.Text.Json;
using Weft.Kubernetes.Api;
using Weft.Kubernetes.Convert;
using Weft.Model;
using Weft.Model.Services;

namespace Weft.Kubernetes.Tests;

public class ConverterTests
{
    [Theory]
    [InlineData("Running", 2)]
    [InlineData("Pending", 2)]
    [InlineData("Succeeded", 0)]
    [InlineData("Failed", 0)]
    public void AnEndedPodHasNoAddresses(string phase, int addresses)
    {
        var pod = WorkloadConverter.Convert(JsonSerializer.Deserialize(
            $$$"""{"metadata":{"name":"a","namespace":"n"},"status":{"phase":"{{{phase}}}","podIPs":[{"ip":"10.244.0.2"},{"ip":"fd00:244::2"}]}}""",
            ApiJson.Default.ApiPod)!);
        Assert.Equal(addresses, pod.Addresses.Count);
    }

    [Fact]
    public void AStaticPodHasTheUidThatItsNodeKnowsItBy()
    {
        var pod = WorkloadConverter.Convert(JsonSerializer.Deserialize(
            """{"metadata":{"name":"a","namespace":"n","uid":"of-the-mirror","annotations":{"kubernetes.io/config.mirror":"of-the-pod"}}}""",
            ApiJson.Default.ApiPod)!);
        Assert.Equal("of-the-pod", pod.Uid);
    }

    [Fact]
    public void NamedPortsComeFromContainersAndSidecarsOnly()
    {
        var pod = WorkloadConverter.Convert(JsonSerializer.Deserialize(
            """
            {"metadata":{"name":"a","namespace":"n"},"spec":{
              "containers":[{"ports":[{"name":"web","containerPort":80},{"containerPort":81}]}],
              "initContainers":[{"ports":[{"name":"once","containerPort":1}]},{"restartPolicy":"Always","ports":[{"name":"side","containerPort":9,"protocol":"UDP"}]}]}}
            """,
            ApiJson.Default.ApiPod)!);
        Assert.Equal([new("web", 80, Protocol.Tcp), new("side", 9, Protocol.Udp)], pod.Ports.ToArray());
    }

    [Fact]
    public void AHeadlessServiceHasNoAddresses()
    {
        var service = ServiceConverter.Convert(JsonSerializer.Deserialize(
            """{"metadata":{"name":"s","namespace":"n"},"spec":{"clusterIP":"None","clusterIPs":["None"],"ports":[{"port":80}]}}""", ApiJson.Default.ApiService)!);
        Assert.True(service.Headless);
        Assert.Empty(service.ClusterIPs);
        Assert.Equal(new ServicePort("", Protocol.Tcp, 80, 0), service.Ports[0]);
    }

    [Fact]
    public void AffinityDefaultsToThreeHours()
    {
        var service = ServiceConverter.Convert(JsonSerializer.Deserialize(
            """{"metadata":{"name":"s","namespace":"n"},"spec":{"clusterIP":"10.96.0.1","sessionAffinity":"ClientIP"}}""", ApiJson.Default.ApiService)!);
        Assert.Equal(10800, service.ClientIPAffinitySeconds);
        Assert.Equal(IPAddress.Parse("10.96.0.1"), service.ClusterIPs[0]);
    }

    [Fact]
    public void AbsentEndpointConditionsMeanReadyAndServing()
    {
        var slice = EndpointSliceConverter.Convert(JsonSerializer.Deserialize(
            """
            {"metadata":{"name":"s-1","namespace":"n","labels":{"kubernetes.io/service-name":"s"}},"addressType":"IPv4",
             "endpoints":[{"addresses":["10.0.0.1"]},{"addresses":["10.0.0.2"],"conditions":{"ready":false,"terminating":true}}],"ports":[{"name":"web","port":80}]}
            """,
            ApiJson.Default.ApiEndpointSlice)!);
        Assert.Equal("s", slice.Service);
        Assert.Equal((true, true, false), (slice.Endpoints[0].Ready, slice.Endpoints[0].Serving, slice.Endpoints[0].Terminating));
        Assert.Equal((false, false, true), (slice.Endpoints[1].Ready, slice.Endpoints[1].Serving, slice.Endpoints[1].Terminating));
    }
}
