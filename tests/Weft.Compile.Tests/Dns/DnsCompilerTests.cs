using System.Net;
using Weft.Compile.Dns;
using Weft.Model;
using Weft.Model.Dns;
using Weft.Model.Services;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Tests.Dns;

public sealed class DnsCompilerTests
{
    private static DnsZone Zone(ClusterSnapshot snapshot) => DnsCompiler.Compile(ClusterBuilder.Config("n1"), snapshot);

    private static IEnumerable<DnsRecord> Records(DnsZone zone, string name) =>
        zone.Records.Where(r => r.Name == name).SelectMany(r => r.Records);

    [Fact]
    public void A_Service_has_its_address_its_ports_and_the_way_back()
    {
        var zone = Zone(new ClusterBuilder().Service(ClusterBuilder.Web(), ("10.244.1.5", "n1", true)).Snapshot);
        Assert.Equal([new DnsAddress(IPAddress.Parse("10.96.0.5"))], Records(zone, "web.default.svc.cluster.local"));
        Assert.Equal([new DnsService(0, 100, 80, "web.default.svc.cluster.local")], Records(zone, "_http._tcp.web.default.svc.cluster.local"));
        Assert.Equal([new DnsPointer("web.default.svc.cluster.local")], Records(zone, "5.0.96.10.in-addr.arpa"));
    }

    [Fact]
    public void A_headless_Service_has_the_addresses_of_its_ready_endpoints_and_a_name_for_each()
    {
        var headless = ClusterBuilder.Web() with { ClusterIPs = [], Headless = true };
        var cluster = new ClusterBuilder().Service(headless, ("10.244.1.5", "n1", true), ("10.244.2.5", "n2", false));
        var slice = cluster.Snapshot.EndpointSlices.Values.Single();
        var named = slice.Endpoints.Append(new Endpoint(ClusterBuilder.Ips("10.244.2.6"), true, true, false, "Web-0", "n2", null)).ToEquatableArray();
        var zone = Zone(cluster.Snapshot with
        {
            EndpointSlices = cluster.Snapshot.EndpointSlices.SetItem(slice.Key, slice with { Endpoints = named }),
        });
        Assert.Equal(
            [new DnsAddress(IPAddress.Parse("10.244.1.5")), new DnsAddress(IPAddress.Parse("10.244.2.6"))],
            Records(zone, "web.default.svc.cluster.local"));
        Assert.Equal([new DnsAddress(IPAddress.Parse("10.244.2.6"))], Records(zone, "web-0.web.default.svc.cluster.local"));
        Assert.Equal([new DnsAddress(IPAddress.Parse("10.244.1.5"))], Records(zone, "10-244-1-5.web.default.svc.cluster.local"));
        Assert.Equal([new DnsPointer("web-0.web.default.svc.cluster.local")], Records(zone, "6.2.244.10.in-addr.arpa"));
        Assert.Equal(
            [8080, 8080], Records(zone, "_http._tcp.web.default.svc.cluster.local").Cast<DnsService>().Select(s => s.Port));
    }

    [Fact]
    public void Addresses_that_are_not_ready_are_published_on_demand_only()
    {
        var headless = ClusterBuilder.Web() with { ClusterIPs = [], Headless = true };
        Assert.Empty(Zone(new ClusterBuilder().Service(headless, ("10.244.1.5", "n1", false)).Snapshot).Records);
        var published = headless with { PublishNotReadyAddresses = true };
        Assert.NotEmpty(Zone(new ClusterBuilder().Service(published, ("10.244.1.5", "n1", false)).Snapshot).Records);
    }

    [Theory]
    [InlineData("Example.com.", 1)]
    [InlineData("192.0.2.1", 0)]
    public void An_external_name_is_an_alias_unless_it_is_an_address(string target, int records)
    {
        var service = new Service(new ObjectKey("default", "ext"), ServiceType.ExternalName, [], [], false, target);
        var zone = Zone(new ClusterBuilder().Service(service).Snapshot);
        Assert.Equal(records, zone.Records.Count);
        Assert.All(zone.Records, r => Assert.Equal([new DnsAlias("example.com")], r.Records));
    }

    [Fact]
    public void The_zone_names_what_it_answers_for()
    {
        var zone = Zone(new ClusterBuilder().Namespace("b").Namespace("a").Snapshot);
        Assert.Equal(["a", "b"], zone.Namespaces);
        Assert.Equal(["10.96.0.0/16", "10.244.0.0/16"], zone.ReverseOf.Select(p => p.ToString()));
    }
}
