namespace Weft.Model.Routing;

/// <summary>
/// An intermediate device (drivers/net/ifb.c): what one container sends passes through it, so that it can be queued there, since a link has no queue
/// for what it receives.
/// </summary>
public sealed record IfbLink(string Name, int Mtu) : Link(Name, Mtu)
{
    private const string Prefix = "weft-";

    /// <summary>A link's name has at most 15 bytes (IFNAMSIZ); this much of the other link's is kept.</summary>
    private const int Kept = 10;

    /// <summary>The name of the device that belongs to a container's link.</summary>
    public static string NameFor(string hostInterface)
    {
        var own = hostInterface.StartsWith("weft", StringComparison.Ordinal) ? hostInterface[4..] : hostInterface;
        return Prefix + (own.Length > Kept ? own[^Kept..] : own);
    }
}

/// <summary>
/// A token bucket at the root of a link (net/sched/sch_tbf.c): it sends no faster than <paramref name="Rate"/>, but for a burst after a pause, and
/// queues what comes faster.
/// </summary>
/// <param name="Rate">Bytes a second.</param>
/// <param name="Burst">Bytes: the size of the bucket. A larger packet would never be sent.</param>
/// <param name="Limit">Bytes that may wait; what comes then is dropped.</param>
public sealed record Shaper(string Link, long Rate, long Burst, long Limit)
{
    /// <summary>Whether one read back from the kernel is this one. The kernel keeps the burst as a time, which does not give the same number back.</summary>
    public bool IsHeldBy(Shaper observed) =>
        Link == observed.Link && Rate == observed.Rate && Limit == observed.Limit && Math.Abs(Burst - observed.Burst) <= 64 + Burst / 100;
}

/// <summary>Whatever a link receives is sent through another device before the node sees it (net/sched/act_mirred.c).</summary>
public sealed record Redirect(string Link, string To);
