using Weft.Model.Routing;

namespace Weft.Kernel.Routing;

/// <summary>
/// rtnetlink of one network namespace, fixed when the port is opened; any thread may use it then. All calls are synchronous and take
/// microseconds.
/// </summary>
public interface INetlink : IDisposable
{
    /// <summary>
    /// Carries out requests in order, in as few system calls as possible. A failure does not stop those after it: the answer has one result a
    /// request, in the same order.
    /// </summary>
    IReadOnlyList<NetlinkResult> Execute(IReadOnlyList<NetlinkRequest> requests);

    /// <summary>All links.</summary>
    /// <exception cref="KernelException">The kernel refused, as in every read below.</exception>
    IReadOnlyList<ObservedLink> Links();

    /// <summary>A link by name; null when there is none.</summary>
    ObservedLink? FindLink(string name);

    /// <summary>Interface index of a name, without taking the kernel's rtnl lock; null when there is none.</summary>
    int? IndexOf(string name);

    /// <summary>Addresses of both families, of one link or of all.</summary>
    IReadOnlyList<ObservedAddress> Addresses(string? link = null);

    /// <summary>Unicast routes of the main table, of both families, of one rtm_protocol or of all.</summary>
    IReadOnlyList<ObservedRoute> Routes(byte? protocol = null);

    /// <summary>Neighbor entries of both families, of one link or of all.</summary>
    IReadOnlyList<ObservedNeighbor> Neighbors(string? link = null);

    /// <summary>Forwarding entries of a VXLAN or bridge device that have an outer destination.</summary>
    IReadOnlyList<ForwardingEntry> ForwardingEntries(string link);

    /// <summary>Queueing disciplines of kind tbf at the root of a link, and of kind ingress.</summary>
    IReadOnlyList<ObservedQdisc> Qdiscs();

    /// <summary>Filters of a link's ingress qdisc that do something with packets.</summary>
    IReadOnlyList<ObservedRedirect> Redirects(string link);

    /// <summary>
    /// Changes as they happen. Listening begins with this call, before the answer is enumerated, so that a read after it misses nothing; it
    /// ends, without an exception, when cancelled.
    /// </summary>
    IAsyncEnumerable<NetlinkEvent> Monitor(NetlinkTopics topics, CancellationToken cancellation);
}
