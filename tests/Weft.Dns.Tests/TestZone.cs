using System.Net;
using Weft.Model.Dns;
using Weft.Primitives;

namespace Weft.Dns.Tests;

/// <summary>The zone that the tests ask about, as the compiler would make it.</summary>
internal static class TestZone
{
    public static DnsZone Zone { get; } = new(
        "cluster.local",
        [
            // Namespace "default": a ClusterIP Service of both families with a named port.
            Set("web.default.svc.cluster.local", A("10.96.0.20"), A("fd00:96::20")),
            Set("_http._tcp.web.default.svc.cluster.local", new DnsService(0, 100, 80, "web.default.svc.cluster.local")),
            Set("20.0.96.10.in-addr.arpa", new DnsPointer("web.default.svc.cluster.local")),
            Set("0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa", new DnsPointer("web.default.svc.cluster.local")),
            // A headless one whose endpoints have host names.
            Set("db.default.svc.cluster.local", A("10.244.1.5"), A("10.244.2.5")),
            Set("db-0.db.default.svc.cluster.local", A("10.244.1.5")),
            Set("db-1.db.default.svc.cluster.local", A("10.244.2.5")),
            Set(
                "_sql._tcp.db.default.svc.cluster.local",
                new DnsService(0, 50, 5432, "db-0.db.default.svc.cluster.local"), new DnsService(0, 50, 5432, "db-1.db.default.svc.cluster.local")),
            Set("5.1.244.10.in-addr.arpa", new DnsPointer("db-0.db.default.svc.cluster.local")),
            // ExternalName Services: abroad, at home, and in a circle.
            Set("ext.default.svc.cluster.local", new DnsAlias("www.Example.com")),
            Set("home.default.svc.cluster.local", new DnsAlias("web.default.svc.cluster.local")),
            Set("round.default.svc.cluster.local", new DnsAlias("circle.default.svc.cluster.local")),
            Set("circle.default.svc.cluster.local", new DnsAlias("round.default.svc.cluster.local")),
            // More endpoints than a datagram of 512 bytes holds.
            new DnsRecordSet("big.default.svc.cluster.local", Enumerable.Range(1, 60).Select(i => (DnsRecord)A($"10.244.3.{i}")).ToEquatableArray()),
        ],
        [IpPrefix.Parse("10.96.0.0/16"), IpPrefix.Parse("10.244.0.0/16"), IpPrefix.Parse("fd00:96::/112")],
        ["default", "kube-system"]);

    public static ZoneIndex Index { get; } = new(Zone, [IPAddress.Parse("10.96.0.10")], 7);

    private static DnsRecordSet Set(string name, params DnsRecord[] records) => new(name, records.ToEquatableArray());

    private static DnsAddress A(string address) => new(IPAddress.Parse(address));
}
