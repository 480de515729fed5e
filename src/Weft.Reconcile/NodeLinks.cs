using Weft.Kernel.Routing;
using Weft.Model;
using Weft.Model.Routing;

namespace Weft.Reconcile;

/// <summary>
/// Which devices the desired links are in this pass, and which of them are others than in the pass before: what the reconcilers remember of
/// a link is worth nothing once the link is another device, for addresses, routes and neighbors went with the old one. Pods' links are made anew
/// only by attachments, which say so: looking up a thousand of them in each pass would cost more than an ADD. It stands first among the
/// reconcilers.
/// </summary>
internal sealed class NodeLinks(INetlink netlink, TouchedLinks touched) : IReconciler
{
    private readonly HashSet<string> _awaited = new(StringComparer.Ordinal);
    private readonly HashSet<string> _remade = new(StringComparer.Ordinal);
    private Dictionary<string, int?> _indexes = new(StringComparer.Ordinal);
    private ReconcileReport? _last;

    public void Forget() => _indexes.Clear();

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step != ApplyOrder.Steps[0])
            return;
        var changed = touched.Take();
        // A container may take its link along at any time: what failed may have failed for want of it.
        var trusted = _last?.Succeeded == true;
        _last = report;
        var before = _indexes;
        _indexes = new Dictionary<string, int?>(desired.Routing.Links.Count, StringComparer.Ordinal);
        _remade.Clear();
        _awaited.Clear();
        foreach (var link in desired.Routing.Links)
        {
            var known = before.GetValueOrDefault(link.Name);
            var pod = link is VethLink;
            var index = trusted && pod && known is not null && !changed.Contains(link.Name) ? known : netlink.IndexOf(link.Name);
            _indexes[link.Name] = index;
            if (index is null || index != known)
                _remade.Add(link.Name);
            if (pod && index is null)
                _awaited.Add(link.Name);
        }
    }

    /// <summary>The index of a link, null when there is no such link.</summary>
    internal int? Index(string link) => _indexes.TryGetValue(link, out var index) ? index : netlink.IndexOf(link);

    /// <summary>Whether a link is new, gone, or not the device that it was in the last pass.</summary>
    internal bool Remade(string link) => _remade.Contains(link);

    /// <summary>To be told when a device has been made in this pass.</summary>
    internal void Made(string link)
    {
        _indexes[link] = netlink.IndexOf(link);
        _remade.Add(link);
    }

    /// <summary>
    /// Whether a pod's link is wanted but not there, because the attachment that makes it is still at it or it has been deleted. The link itself
    /// is reported as missing; what belongs on it is not reported once more, and comes with the pass after the link.
    /// </summary>
    internal bool Awaits(string link) => _awaited.Count > 0 && _awaited.Contains(link);
}
