using Microsoft.Extensions.Logging;
using Weft.Kernel;
using Weft.Kernel.Routing;
using Weft.Model.Routing;
using Weft.Store;

namespace Weft.Agent.Flow;

/// <summary>
/// Listens to what rtnetlink announces and has the flow mend what somebody else deleted or switched off. Most announcements are the echo of the
/// agent's own work: what is desired no more is not missed.
/// </summary>
internal sealed partial class DriftMonitor(ClusterStore store, NodeFlow flow, INetlink netlink, ILogger logger)
{
    private const NetlinkTopics Topics = NetlinkTopics.Links | NetlinkTopics.Addresses | NetlinkTopics.Routes | NetlinkTopics.Neighbors;

    /// <summary>DEL deletes the link before the store hears of it; after this it has.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(50);

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            // Not awaited one by one: the next announcements must be read before the kernel's buffer is full.
            await foreach (var change in netlink.Monitor(Topics, cancel))
                if (IsDesired(change))
                    _ = MendAsync(change, cancel);
        }
        catch (OperationCanceledException)
        {
            // The agent stops.
        }
        catch (KernelException e)
        {
            // Changes of others are then mended by the pass that runs now and then.
            LogEnded(e.Message);
        }
    }

    private async Task MendAsync(NetlinkEvent change, CancellationToken cancel)
    {
        try
        {
            await Task.Delay(Settle, cancel);
            // What is deleted on purpose is announced before the pass that no longer wants it is over.
            var revision = store.Current.Revision;
            await flow.UntilAsync(p => p.Snapshot.Revision >= revision, cancel);
            if (!IsDesired(change) || IsHeld(change))
                return;
            LogMending(change.ToString());
            flow.Mend();
        }
        catch (Exception e) when (e is OperationCanceledException or KernelException or ObjectDisposedException)
        {
            // The agent stops, or the device has gone in between and the next announcement tells.
        }
    }

    /// <summary>Whether an announcement is about something that is desired now and may be missing. Containers take their links with them; those are DEL's.</summary>
    private bool IsDesired(NetlinkEvent change) => flow.Latest?.Desired.Routing is { } desired && change switch
    {
        EventsLost => true,
        RouteChanged { Deleted: true, Route: var gone } => gone.Protocol == WeftRouting.Protocol && desired.Routes.Any(r => r.Destination == gone.Route.Destination),
        AddressChanged { Deleted: true, Address: var gone } => desired.Addresses.Contains(gone),
        // It is announced in the state it went through last, which is not the permanent one (net/core/neighbour.c, neigh_remove_one).
        NeighborChanged { Deleted: true, Neighbor: var gone } => desired.Neighbors.Any(n => n.Link == gone.Link && n.Address.Equals(gone.Address)),
        LinkChanged { Up: false, Deleted: false } link => desired.Links.Any(l => l.Name == link.Name),
        LinkChanged { Deleted: true } link => desired.Links.Any(l => l.Name == link.Name && l is not VethLink),
        _ => false,
    };

    private bool IsHeld(NetlinkEvent change) => change switch
    {
        RouteChanged route => netlink.Routes(WeftRouting.Protocol).Any(r => r.Route.Destination == route.Route.Route.Destination),
        AddressChanged address => netlink.Addresses(address.Address.Link).Any(a => a.Address == address.Address),
        NeighborChanged { Neighbor: var gone } => netlink.Neighbors(gone.Link).Any(n => n.Permanent && n.Address.Equals(gone.Address)),
        // A container's link that is gone is not switched off.
        LinkChanged { Deleted: false } link => netlink.FindLink(link.Name) is not { Up: false },
        LinkChanged link => netlink.IndexOf(link.Name) is not null,
        _ => false,
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "changed by somebody else, to be mended: {Change}")]
    private partial void LogMending(string change);

    [LoggerMessage(Level = LogLevel.Warning, Message = "listening for changes has ended: {Problem}")]
    private partial void LogEnded(string problem);
}
