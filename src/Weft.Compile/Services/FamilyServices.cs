using System.Globalization;
using System.Net;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Services;
using Weft.Primitives;

namespace Weft.Compile.Services;

/// <summary>The Service maps and rules of one IP family.</summary>
internal sealed class FamilyServices
{
    private readonly NodeConfig _config;
    private readonly Family _family;
    private readonly IReadOnlyList<IpPrefix> _ownPods;
    private readonly EndpointPicker _picker;
    private readonly List<Diagnostic> _diagnostics;

    // "inside" holds external addresses and node ports of externalTrafficPolicy Local as pods and nodes see them: with every endpoint.
    private readonly ServiceMap _addresses;
    private readonly ServiceMap _addressesInside;
    private readonly ServiceMap _nodePorts;
    private readonly ServiceMap _nodePortsInside;
    private readonly List<NftElement> _refused = [];
    private readonly List<NftElement> _nodePortsRefused = [];
    private readonly List<NftElement> _clusterIPs = [];
    private readonly Dictionary<(IPAddress?, Protocol, int), ObjectKey> _owners = [];

    public FamilyServices(NodeConfig config, Family family, IReadOnlyList<IpPrefix> ownPods, EndpointPicker picker, List<Diagnostic> diagnostics)
    {
        (_config, _family, _ownPods, _picker, _diagnostics) = (config, family, ownPods, picker, diagnostics);
        _addresses = new ServiceMap("services", family, byAddress: true);
        _addressesInside = new ServiceMap("services-inside", family, byAddress: true);
        _nodePorts = new ServiceMap("nodeports", family, byAddress: false);
        _nodePortsInside = new ServiceMap("nodeports-inside", family, byAddress: false);
    }

    public void Compile(IReadOnlyList<Service> services, NftParts parts, string rejectChain)
    {
        // Addresses that the API server allocated come first, so that nobody takes one over by writing it into externalIPs.
        foreach (var service in services)
            ClusterIPs(service, rejectChain);
        foreach (var service in services)
            External(service, rejectChain);

        foreach (var map in new[] { _addresses, _addressesInside, _nodePorts, _nodePortsInside })
            map.AddTo(parts);
        var refused = $"services-refused-{_family.Digit}";
        var nodePortsRefused = $"nodeports-refused-{_family.Digit}";
        var clusterIPs = $"cluster-ips-{_family.Digit}";
        parts.Sets.Add(new NftSet(refused, _addresses.KeyTypes, [NftType.Verdict], false, _refused.ToEquatableArray()));
        parts.Sets.Add(new NftSet(nodePortsRefused, _nodePorts.KeyTypes, [NftType.Verdict], false, _nodePortsRefused.ToEquatableArray()));
        parts.Sets.Add(new NftSet(clusterIPs, [_family.AddressType], default, false, _clusterIPs.ToEquatableArray()));
        Rules(parts, refused, nodePortsRefused, clusterIPs);
    }

    private void Rules(NftParts parts, string refused, string nodePortsRefused, string clusterIPs)
    {
        // Only this node's own pods: the answer to another node's pod would not come back this way.
        foreach (var cidr in _ownPods)
        {
            parts.NatPrerouting.Add(NftParts.Rule("Services: from pods, every endpoint",
                new NftMatch(_family.Source, NftValue.Of(cidr)), _addressesInside.Lookup));
            parts.NatPrerouting.Add(NftParts.Rule("NodePorts: from pods, every endpoint",
                new NftMatch(_family.Source, NftValue.Of(cidr)), new NftDestinationIsLocal(), _nodePortsInside.Lookup));
        }
        parts.NatPrerouting.Add(NftParts.Rule("Services", _addresses.Lookup));
        parts.NatPrerouting.Add(NftParts.Rule("NodePorts", new NftFamilyMatch(_family.IPv6), new NftDestinationIsLocal(), _nodePorts.Lookup));

        // A node port on the loopback address would need route_localnet, which opens loopback to the network: left out, as kube-proxy's
        // nftables mode does.
        var loopback = NftValue.Of(_family.IPv6 ? IpPrefix.Parse("::1/128") : IpPrefix.Parse("127.0.0.0/8"));
        parts.NatOutput.Add(NftParts.Rule("Services: from the node, every endpoint", _addressesInside.Lookup));
        parts.NatOutput.Add(NftParts.Rule("Services", _addresses.Lookup));
        foreach (var map in new[] { _nodePortsInside, _nodePorts })
        {
            parts.NatOutput.Add(NftParts.Rule("NodePorts: from the node",
                new NftMatch(_family.Destination, loopback, Not: true), new NftDestinationIsLocal(), map.Lookup));
        }

        parts.Input.Add(NftParts.Rule("NodePort without endpoints", new NftFamilyMatch(_family.IPv6), new NftDestinationIsLocal(),
            new NftVerdictMap(_nodePorts.Fields, nodePortsRefused)));
        foreach (var hook in new[] { parts.Forward, parts.Output })
        {
            hook.Add(NftParts.Rule("Service without endpoints", new NftVerdictMap(_addresses.Fields, refused)));
            hook.Add(NftParts.Rule("the Service has no such port",
                new NftLookup([_family.Destination], clusterIPs), NftParts.Then(NftVerdict.Reject)));
            foreach (var services in _config.ServiceCidrs.Where(c => c.IsIPv6 == _family.IPv6))
            {
                hook.Add(NftParts.Rule("no Service has this address",
                    new NftMatch(_family.Destination, NftValue.Of(services)), NftParts.Then(NftVerdict.Reject)));
            }
        }
    }

    private void ClusterIPs(Service service, string rejectChain)
    {
        foreach (var address in OfFamily(service.ClusterIPs))
        {
            if (_config.DnsAddresses.Contains(address))
                continue;
            _clusterIPs.Add(new NftElement([NftValue.Of(address)]));
            foreach (var port in service.Ports)
            {
                if (Claim(service, address, port, "spec.clusterIPs", port.Port))
                    Add(service, port, address, service.InternalTrafficLocal, ServiceMode.Plain, _addresses, null, _refused, rejectChain);
            }
        }
    }

    private void External(Service service, string rejectChain)
    {
        var mode = service.ExternalTrafficLocal ? ServiceMode.Plain : ServiceMode.Masquerade;
        foreach (var (field, addresses) in new[] { ("spec.externalIPs", service.ExternalIPs), ("status.loadBalancer.ingress", service.LoadBalancerIPs) })
        {
            foreach (var address in OfFamily(addresses).Distinct())
            {
                if (_config.DnsAddresses.Contains(address))
                {
                    _diagnostics.Add(new Diagnostic($"Service {service.Key}", field, address.ToString(),
                        "this is the cluster DNS address, which is not translated; use another address"));
                    continue;
                }
                foreach (var port in service.Ports)
                {
                    if (Claim(service, address, port, field, port.Port))
                        Add(service, port, address, service.ExternalTrafficLocal, mode, _addresses, _addressesInside, _refused, rejectChain);
                }
            }
        }
        if (!OfFamily(service.ClusterIPs).Any())
            return;
        foreach (var port in service.Ports)
        {
            if (port.NodePort > 0 && Claim(service, null, port, "spec.ports.nodePort", port.NodePort))
                Add(service, port, null, service.ExternalTrafficLocal, mode, _nodePorts, _nodePortsInside, _nodePortsRefused, rejectChain);
        }
    }

    private void Add(
        Service service, ServicePort port, IPAddress? address, bool localOnly, ServiceMode mode,
        ServiceMap map, ServiceMap? inside, List<NftElement> refused, string rejectChain)
    {
        if (service.ClientIPAffinitySeconds is not null)
            mode |= ServiceMode.Sticky;
        var key = ServiceMap.Key(address, port.Protocol, address is null ? port.NodePort : port.Port);
        var all = _picker.Pick(service, port, _family.IPv6, localOnly: false);
        var chosen = localOnly ? _picker.Pick(service, port, _family.IPv6, localOnly: true) : all;
        if (chosen.Count > 0)
            map.Add(key, chosen, mode);
        // Endpoints elsewhere but none here: the sender is to try another node, so it gets no answer (KEP-2086, externalTrafficPolicy).
        else
            refused.Add(new NftElement(key, Verdict: all.Count > 0 ? NftVerdict.Drop : NftVerdict.Goto(rejectChain)));
        if (localOnly && inside is not null && all.Count > 0)
            inside.Add(key, all, mode);
    }

    private bool Claim(Service service, IPAddress? address, ServicePort port, string field, int number)
    {
        if (_owners.TryAdd((address, port.Protocol, number), service.Key))
            return true;
        var owner = _owners[(address, port.Protocol, number)];
        var found = string.Create(CultureInfo.InvariantCulture, $"{address?.ToString() ?? "*"}:{number}/{port.Protocol}");
        _diagnostics.Add(new Diagnostic($"Service {service.Key}", field, found, $"Service {owner} has it already and keeps it; choose another"));
        return false;
    }

    private IEnumerable<IPAddress> OfFamily(EquatableArray<IPAddress> addresses) =>
        addresses.Where(a => Family.IsIPv6(a) == _family.IPv6);
}
