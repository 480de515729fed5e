using Weft.Compile.Routing;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Nft;
using Weft.Model.Services;
using Weft.Store;

namespace Weft.Compile.Services;

/// <summary>
/// Service addresses and node ports to flat maps. Translation happens in the nat hooks; what has no endpoint is refused in the filter
/// hooks, because nat chains cannot reject.
/// </summary>
internal static class ServicesCompiler
{
    private const string RejectChain = "service-reject";

    public static NftParts Compile(NodeConfig config, ClusterSnapshot snapshot, PlannedNode? self, List<Diagnostic> diagnostics)
    {
        var parts = new NftParts();
        var services = snapshot.Services.Values
            .Where(s => s.Type != ServiceType.ExternalName)
            .OrderBy(s => s.Key)
            .ToList();
        var picker = new EndpointPicker(snapshot, config.NodeName);
        // The cluster's DNS addresses belong to the node itself: they leave the nat chains before any map is asked.
        foreach (var dns in config.DnsAddresses)
        {
            var own = NftParts.Rule("DNS is answered on this node", new NftMatch(Family.Of(dns).Destination, NftValue.Of(dns)),
                NftParts.Then(NftVerdict.Accept));
            parts.NatPrerouting.Add(own);
            parts.NatOutput.Add(own);
            parts.Output.Add(own);
        }
        foreach (var family in Family.Both)
        {
            if (config.ClusterCidrs.Any(c => c.IsIPv6 == family.IPv6))
                new FamilyServices(config, family, self?.OwnPods(family.IPv6) ?? [], picker, diagnostics).Compile(services, parts, RejectChain);
        }
        parts.Chains.Add(new NftChain(RejectChain, null,
            [NftParts.Rule("Service without endpoints", NftParts.Then(NftVerdict.Reject))]));
        return parts;
    }
}
