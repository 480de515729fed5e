using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Shaping;

/// <summary>
/// Token buckets and redirects of Weft's own links. A redirect is an ingress qdisc with one filter; one that leads elsewhere is made anew, since it
/// would drop everything. What a pass left there is remembered for the next, since listing queues asks every device of the node.
/// </summary>
internal sealed class ShapingReconciler(INetlink netlink, NodeLinks links) : IReconciler
{
    private Dictionary<string, Shaper>? _shapers;

    // Links with an ingress qdisc, and where all that they receive goes; null for nowhere or elsewhere.
    private Dictionary<string, string?> _redirects = new(StringComparer.Ordinal);
    private bool _set;

    public void Forget() => _shapers = null;

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step == ApplyStep.Shaping)
            Set(desired.Routing, report);
        else if (step == ApplyStep.DeleteShaping && _shapers is not null)
            Delete(desired.Routing, report);
    }

    private void Set(RoutingState desired, ReconcileReport report)
    {
        _set = false;
        Observe();
        var changes = new NetlinkChanges(netlink, report);
        // The queue of a device before what leads packets to it.
        foreach (var shaper in desired.Shapers)
        {
            if (!links.Awaits(shaper.Link) && !(_shapers!.TryGetValue(shaper.Link, out var present) && shaper.IsHeldBy(present)))
                changes.Add(Name(shaper.Link), new SetShaper(shaper));
        }
        foreach (var redirect in desired.Redirects)
        {
            var present = _redirects.TryGetValue(redirect.Link, out var to);
            if (links.Awaits(redirect.Link) || present && to == redirect.To)
                continue;
            if (present)
                changes.Add(Name(redirect.Link), new DeleteIngress(redirect.Link));
            changes.Add(Name(redirect.Link), new AddIngress(redirect.Link));
            changes.Add(Name(redirect.Link), new AddRedirect(redirect));
        }
        _set = changes.Carry();
    }

    /// <summary>What is remembered, but for devices that are others by now; else what the kernel says.</summary>
    private void Observe()
    {
        if (_shapers is { } remembered)
        {
            foreach (var link in remembered.Keys.Where(links.Remade).ToList())
                remembered.Remove(link);
            foreach (var (link, to) in _redirects.ToList())
            {
                if (links.Remade(link))
                    _redirects.Remove(link);
                else if (to is not null && links.Remade(to))
                    _redirects[link] = null;
            }
            return;
        }
        var qdiscs = netlink.Qdiscs();
        _redirects = qdiscs.Where(q => q.Kind == "ingress" && IsOwned(q.Link)).Select(q => q.Link).Distinct(StringComparer.Ordinal).ToDictionary(
            link => link, link => netlink.Redirects(link) is [var only] ? only.To : null, StringComparer.Ordinal);
        _shapers = qdiscs.Where(q => q.Shaper is not null && IsOwned(q.Link)).ToDictionary(q => q.Link, q => q.Shaper!, StringComparer.Ordinal);
    }

    /// <summary>Only on links that are wanted: a link that is not takes its queues with it.</summary>
    private void Delete(RoutingState desired, ReconcileReport report)
    {
        var wanted = desired.Links.Select(l => l.Name).ToHashSet(StringComparer.Ordinal);
        var shaped = desired.Shapers.Select(s => s.Link).ToHashSet(StringComparer.Ordinal);
        var redirected = desired.Redirects.Select(r => r.Link).ToHashSet(StringComparer.Ordinal);
        var changes = new NetlinkChanges(netlink, report);
        foreach (var link in _shapers!.Keys.Where(l => wanted.Contains(l) && !shaped.Contains(l)))
            changes.Add(Name(link), new DeleteShaper(link));
        foreach (var link in _redirects.Keys.Where(l => wanted.Contains(l) && !redirected.Contains(l)))
            changes.Add(Name(link), new DeleteIngress(link));
        var deleted = changes.Carry(Errno.ENOENT, Errno.ENODEV);
        if (!_set || !deleted)
        {
            _shapers = null;
            return;
        }
        _shapers = desired.Shapers.Where(s => !links.Awaits(s.Link)).ToDictionary(s => s.Link, StringComparer.Ordinal);
        _redirects = desired.Redirects.Where(r => !links.Awaits(r.Link)).ToDictionary(r => r.Link, r => (string?)r.To, StringComparer.Ordinal);
    }

    private static string Name(string link) => $"bandwidth of {link}";

    private static bool IsOwned(string link) => link.StartsWith(WeftRouting.LinkPrefix, StringComparison.Ordinal);
}
