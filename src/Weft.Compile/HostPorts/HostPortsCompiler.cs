using System.Net;
using Weft.Compile.Routing;
using Weft.Compile.Services;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.HostPorts;
using Weft.Model.Ipam;
using Weft.Model.Nft;
using Weft.Model.Services;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.HostPorts;

/// <summary>
/// Port mappings (hostPort) to flat maps, beside those of Services and after them: a packet that a Service or a NodePort takes is theirs. Policy
/// judges the translated packet at the forward hook as the container's ingress, like that of a NodePort. The client's address is kept, since the
/// answer passes this node anyway; it is translated only where it could not (from the node's loopback address here, for a container that calls
/// itself in the masquerade compiler).
/// </summary>
internal static class HostPortsCompiler
{
    private const string Subject = "host ports";
    private const string Links = HostPortMaps.Prefix + "-links";

    private static readonly IpPrefix LoopbackIPv4 = IpPrefix.Parse("127.0.0.0/8");
    private static readonly IpPrefix LoopbackIPv6 = IpPrefix.Parse("::1/128");

    public static NftParts Compile(NodeConfig config, ClusterSnapshot snapshot, PlannedNode? self, List<Diagnostic> diagnostics)
    {
        var parts = new NftParts();
        var attachments = Mapped(snapshot).ToList();
        // Without a mapping there is nothing for packets to pass: most nodes have none.
        if (attachments.Count == 0)
            return parts;
        var holders = new List<(HostPortClaim Claim, Attachment Holder)>();
        foreach (var family in Family.Both)
        {
            if (config.ClusterCidrs.Any(c => c.IsIPv6 == family.IPv6))
                Compile(config.NodeName, family, attachments, ServiceClaims(snapshot, family.IPv6), holders, parts, diagnostics);
        }
        if (config.ClusterCidrs.Any(c => !c.IsIPv6))
            Loopback(attachments, self?.Underlay(ipv6: false), parts);
        return parts;
    }

    /// <summary>Attachments with mappings, in an order of their own that does not depend on when they came.</summary>
    public static IEnumerable<Attachment> Mapped(ClusterSnapshot snapshot) =>
        snapshot.Attachments.Values.Where(a => !a.PortMappings.IsEmpty).OrderBy(a => a.HostInterface, StringComparer.Ordinal);

    /// <summary>A mapping that is reachable at the node's loopback address, which is IPv4 only: the kernel has no route_localnet for IPv6.</summary>
    public static bool IsOpenAtLoopback(Attachment attachment) =>
        attachment.Addresses.Any(a => !Family.IsIPv6(a))
        && attachment.PortMappings.Any(m => HostPortClaim.Of(m).Any(c => !c.IPv6 && (c.Address is null || IPAddress.IsLoopback(c.Address))));

    private static void Compile(
        string node, Family family, List<Attachment> attachments, Dictionary<HostPortClaim, ObjectKey> services,
        List<(HostPortClaim Claim, Attachment Holder)> holders, NftParts parts, List<Diagnostic> diagnostics)
    {
        var any = new ServiceMap(HostPortMaps.Any, family, byAddress: false, Subject);
        var at = new ServiceMap(HostPortMaps.At, family, byAddress: true, Subject);
        foreach (var attachment in attachments)
        {
            var address = attachment.Addresses.FirstOrDefault(a => Family.IsIPv6(a) == family.IPv6);
            foreach (var mapping in attachment.PortMappings)
            {
                foreach (var claim in HostPortClaim.Of(mapping).Where(c => c.IPv6 == family.IPv6))
                {
                    if (address is null)
                        Unreachable(node, attachment, mapping, claim, diagnostics);
                    else if (Owner(claim, services) is { } service)
                        Shadowed(node, attachment, claim, service, diagnostics);
                    else if (Take(node, claim, attachment, holders, diagnostics))
                        (claim.Address is null ? any : at).Add(ServiceMap.Key(claim.Address, claim.Protocol, claim.Port), [new Backend(address, mapping.ContainerPort, true)], ServiceMode.Plain);
                }
            }
        }
        any.AddTo(parts);
        at.AddTo(parts);
        var loopback = NftValue.Of(family.IPv6 ? LoopbackIPv6 : LoopbackIPv4);
        foreach (var map in new[] { at, any })
        {
            // From the network nobody means this node's loopback, whatever a link would let through.
            parts.NatPrerouting.Add(NftParts.Rule(Subject,
                new NftMatch(family.Destination, loopback, Not: true), new NftDestinationIsLocal(), map.Lookup));
            parts.NatOutput.Add(family.IPv6
                ? NftParts.Rule($"{Subject}: from the node", new NftMatch(family.Destination, loopback, Not: true), new NftDestinationIsLocal(), map.Lookup)
                : NftParts.Rule($"{Subject}: from the node", new NftFamilyMatch(false), new NftDestinationIsLocal(), map.Lookup));
        }
    }

    /// <summary>
    /// A connection to 127.0.0.1 leaves towards the container only with route_localnet on that link (net/ipv4/route.c, __mkroute_output), and with
    /// an address that the container can answer. What route_localnet opens besides, the container's way to what listens on the node's loopback,
    /// is shut here.
    /// </summary>
    private static void Loopback(List<Attachment> attachments, IPAddress? node, NftParts parts)
    {
        var links = attachments.Where(IsOpenAtLoopback).Select(a => a.HostInterface).ToList();
        if (links.Count == 0)
            return;
        parts.Sets.Add(new NftSet(Links, [NftType.InterfaceName], default, Interval: false,
            links.Select(l => new NftElement([new NftText(l)])).ToEquatableArray()));
        var local = NftValue.Of(LoopbackIPv4);
        foreach (var field in new[] { NftField.Ipv4Destination, NftField.Ipv4Source })
        {
            parts.Input.Add(NftParts.Rule($"{Subject}: a container has no way to the node's loopback",
                new NftLookup([NftField.InputInterface], Links), new NftMatch(field, local), NftParts.Then(NftVerdict.Drop)));
        }
        parts.NatPostrouting.Add(NftParts.Rule($"{Subject}: from the node's loopback",
            new NftMatch(NftField.Ipv4Source, local), new NftLookup([NftField.OutputInterface], Links),
            node is null ? new NftMasquerade() : new NftSnat(node)));
    }

    /// <summary>What Services hold on every node: their node ports, and addresses of a node among their external ones.</summary>
    private static Dictionary<HostPortClaim, ObjectKey> ServiceClaims(ClusterSnapshot snapshot, bool ipv6)
    {
        var claims = new Dictionary<HostPortClaim, ObjectKey>();
        foreach (var service in snapshot.Services.Values.Where(s => s.Type != ServiceType.ExternalName).OrderBy(s => s.Key))
        {
            var nodePorts = service.ClusterIPs.Any(a => Family.IsIPv6(a) == ipv6);
            foreach (var port in service.Ports)
            {
                if (nodePorts && port.NodePort > 0)
                    claims.TryAdd(new HostPortClaim(ipv6, null, port.Protocol, port.NodePort), service.Key);
                foreach (var address in service.ExternalIPs.Concat(service.LoadBalancerIPs).Where(a => Family.IsIPv6(a) == ipv6))
                    claims.TryAdd(new HostPortClaim(ipv6, address, port.Protocol, port.Port), service.Key);
            }
        }
        return claims;
    }

    private static ObjectKey? Owner(HostPortClaim claim, Dictionary<HostPortClaim, ObjectKey> services) =>
        services.TryGetValue(claim with { Address = null }, out var nodePort) ? nodePort
        : claim.Address is not null && services.TryGetValue(claim, out var external) ? external : null;

    /// <summary>ADD refuses a second holder; should a journal hold two all the same, the first keeps the port.</summary>
    private static bool Take(
        string node, HostPortClaim claim, Attachment attachment, List<(HostPortClaim Claim, Attachment Holder)> holders, List<Diagnostic> diagnostics)
    {
        if (holders.FindIndex(h => h.Claim == claim) is >= 0 and var found)
        {
            var holder = holders[found].Holder;
            if (holder.Key != attachment.Key)
                diagnostics.Add(Problem(node, attachment, "hostPort", claim,
                    $"{HostPortConflicts.Describe(holder)} has it already and keeps it; choose another"));
            return false;
        }
        holders.Add((claim, attachment));
        return true;
    }

    /// <summary>Of a container outside Kubernetes the API knows nothing that could be told: its node is.</summary>
    private static Diagnostic Problem(string node, Attachment attachment, string field, HostPortClaim claim, string advice) => attachment.Pod is null
        ? new Diagnostic($"Node {node}", $"{field} of {HostPortConflicts.Describe(attachment)}", claim.ToString(), advice)
        : new Diagnostic(HostPortConflicts.Describe(attachment), field, claim.ToString(), advice);

    private static void Shadowed(string node, Attachment attachment, HostPortClaim claim, ObjectKey service, List<Diagnostic> diagnostics) =>
        diagnostics.Add(Problem(node, attachment, "hostPort", claim,
            $"Service {service} has this port on every node and keeps it, so the host port leads nowhere; choose another"));

    private static void Unreachable(string node, Attachment attachment, PortMapping mapping, HostPortClaim claim, List<Diagnostic> diagnostics)
    {
        // One that is open everywhere means the families that there are.
        if (mapping.HostIp is not null)
            diagnostics.Add(Problem(node, attachment, "hostIP", claim,
                $"the container has no {(claim.IPv6 ? "IPv6" : "IPv4")} address, so the host port leads nowhere; use an address of its family"));
    }
}
