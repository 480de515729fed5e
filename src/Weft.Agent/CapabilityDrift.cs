using System.Globalization;
using System.Net;
using Weft.Kernel;
using Weft.Kernel.Routing;
using Weft.Model.HostPorts;
using Weft.Model.Ipam;
using Weft.Model.Routing;
using Weft.Reconcile.Nftables;

namespace Weft.Agent;

/// <summary>What of one attachment's host ports and limits is not as desired now.</summary>
internal static class CapabilityDrift
{
    /// <summary>Its limits, one sentence each.</summary>
    /// <exception cref="KernelException">The kernel cannot be read.</exception>
    public static IEnumerable<string> Limits(INetlink netlink, Attachment attachment, RoutingState desired)
    {
        var (link, ifb) = (attachment.HostInterface, IfbLink.NameFor(attachment.HostInterface));
        var shapers = desired.Shapers.Where(s => s.Link == link || s.Link == ifb).ToList();
        // Who asked for no limits is not worth listing every queue of the node.
        if (shapers.Count == 0)
            yield break;
        var qdiscs = netlink.Qdiscs();
        foreach (var shaper in shapers)
        {
            var observed = qdiscs.FirstOrDefault(q => q.Link == shaper.Link && q.Shaper is not null)?.Shaper;
            var direction = shaper.Link == link ? "receives" : "sends";
            if (observed is null)
                yield return $"the limit of what the container {direction} is missing on {shaper.Link}";
            else if (!shaper.IsHeldBy(observed))
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"the limit of what the container {direction} on {shaper.Link} is {observed.Rate} bytes a second (burst {observed.Burst}) instead of {shaper.Rate} (burst {shaper.Burst})");
        }
        foreach (var redirect in desired.Redirects.Where(r => r.Link == link))
        {
            if (netlink.Redirects(link) is not [var only] || only.To != redirect.To)
                yield return $"what the container sends is not led through {redirect.To}, which limits it";
        }
    }

    /// <summary>Whether a row of drift is about the attachment's host ports: the chains that all of them pass, or the element of one of them.</summary>
    public static bool ConcernsHostPorts(Attachment attachment, NftDriftRow row)
    {
        if (attachment.PortMappings.IsEmpty || !row.Container.StartsWith(HostPortMaps.Prefix, StringComparison.Ordinal))
            return false;
        return row.Kind != "element" || row.Item.Trim('"') == attachment.HostInterface
            || attachment.PortMappings.Any(m => Key(m) is var key && (row.Item == key || row.Item == key + " . 0"));
    }

    /// <summary>A mapping's key as nft writes it; in the map of backends an index follows.</summary>
    private static string Key(PortMapping mapping)
    {
        var port = string.Create(CultureInfo.InvariantCulture, $"{mapping.Protocol.ToString().ToLowerInvariant()} . {mapping.HostPort}");
        return mapping.HostIp is null || mapping.HostIp.Equals(IPAddress.Any) || mapping.HostIp.Equals(IPAddress.IPv6Any) ? port : $"{mapping.HostIp} . {port}";
    }
}
