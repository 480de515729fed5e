using System.Net;
using Weft.Compile.Ipam;
using Weft.Model;
using Weft.Model.Dns;
using Weft.Model.Services;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Dns;

/// <summary>
/// Services to resource records, after the Kubernetes DNS specification 1.1.0 (sections 2.3 to 2.5). The zone is the same on every node.
/// </summary>
public static class DnsCompiler
{
    public static DnsZone Compile(NodeConfig config, ClusterSnapshot snapshot)
    {
        var zone = new ZoneBuilder();
        var slices = snapshot.EndpointSlices.Values
            .OrderBy(s => s.Key)
            .ToLookup(s => new ObjectKey(s.Key.Namespace, s.Service));
        foreach (var service in snapshot.Services.Values.OrderBy(s => s.Key))
        {
            var name = $"{service.Key.Name}.{service.Key.Namespace}.svc.{config.ClusterDomain}";
            if (service.Type == ServiceType.ExternalName)
                External(zone, name, service);
            else if (service.Headless)
                Headless(zone, name, service, slices[service.Key]);
            else
                Addressed(zone, name, service);
        }
        return new DnsZone(
            config.ClusterDomain,
            zone.Build(),
            config.ServiceCidrs.Concat(EffectiveConfig.Of(config, snapshot).ClusterCidrs).Distinct().ToEquatableArray(),
            snapshot.Namespaces.Keys.Order(StringComparer.Ordinal).ToEquatableArray());
    }

    /// <summary>Section 2.5. An address in externalName is no name that an alias could point to.</summary>
    private static void External(ZoneBuilder zone, string name, Service service)
    {
        if (service.ExternalName is { Length: > 0 } target && !IPAddress.TryParse(target, out _))
            zone.Add(name, new DnsAlias(target.TrimEnd('.').ToLowerInvariant()));
    }

    /// <summary>Section 2.3: the Service's own addresses, a port record for each named port, and the way back.</summary>
    private static void Addressed(ZoneBuilder zone, string name, Service service)
    {
        foreach (var address in service.ClusterIPs)
        {
            zone.Add(name, new DnsAddress(address));
            zone.Add(DnsZone.ReverseName(address), new DnsPointer(name));
        }
        foreach (var port in service.Ports)
        {
            if (port.Name.Length > 0 && service.ClusterIPs.Count > 0)
                zone.Add(PortName(port.Name, port.Protocol, name), new DnsService(0, 100, port.Port, name));
        }
    }

    /// <summary>Section 2.4: every ready endpoint by its address, and by a name of its own below the Service's.</summary>
    private static void Headless(ZoneBuilder zone, string name, Service service, IEnumerable<EndpointSlice> slices)
    {
        foreach (var slice in slices)
        {
            foreach (var endpoint in slice.Endpoints)
            {
                if (!endpoint.Ready && !service.PublishNotReadyAddresses)
                    continue;
                foreach (var address in endpoint.Addresses)
                    Endpoint(zone, name, slice, endpoint, address);
            }
        }
    }

    private static void Endpoint(ZoneBuilder zone, string name, EndpointSlice slice, Endpoint endpoint, IPAddress address)
    {
        var own = $"{(string.IsNullOrEmpty(endpoint.Hostname) ? Dashed(address) : endpoint.Hostname)}.{name}";
        zone.Add(name, new DnsAddress(address));
        zone.Add(own, new DnsAddress(address));
        zone.Add(DnsZone.ReverseName(address), new DnsPointer(own.ToLowerInvariant()));
        foreach (var port in slice.Ports)
        {
            if (port.Name.Length > 0)
                zone.Add(PortName(port.Name, port.Protocol, name), new DnsService(0, 100, port.Port, own.ToLowerInvariant()));
        }
    }

    private static string PortName(string port, Protocol protocol, string service) =>
        $"_{port}._{protocol switch { Protocol.Udp => "udp", Protocol.Sctp => "sctp", _ => "tcp" }}.{service}";

    /// <summary>An address as one label: the system-assigned name of an endpoint without a host name.</summary>
    private static string Dashed(IPAddress address) => address.ToString().Replace('.', '-').Replace(':', '-').Trim('-');

    private sealed class ZoneBuilder
    {
        private readonly SortedDictionary<string, HashSet<DnsRecord>> _records = new(StringComparer.Ordinal);

        public void Add(string name, DnsRecord record)
        {
            name = name.ToLowerInvariant();
            if (!_records.TryGetValue(name, out var set))
                _records[name] = set = [];
            set.Add(record);
        }

        public EquatableArray<DnsRecordSet> Build() =>
            _records.Select(r => new DnsRecordSet(r.Key, r.Value.OrderBy(Order).ThenBy(x => x.ToString(), StringComparer.Ordinal).ToEquatableArray())).ToEquatableArray();

        private static UInt128 Order(DnsRecord record) => record is DnsAddress a ? IpPrefix.ToBits(a.Address) : 0;
    }
}
