using Weft.Kernel.Routing;
using Weft.Model.Routing;

namespace Weft.Reconcile;

/// <summary>
/// Pods' links that are wanted but not there yet, because the attachment that makes them is still at it or they have been deleted. The link
/// itself is reported as missing; what belongs on it is not reported once more, and comes with the pass after the link.
/// </summary>
internal sealed class PodLinks(RoutingState desired, INetlink netlink)
{
    private readonly HashSet<string> _links = desired.Links.OfType<VethLink>().Select(l => l.Name).ToHashSet(StringComparer.Ordinal);

    internal bool Awaits(string link) => _links.Contains(link) && netlink.IndexOf(link) is null;
}
