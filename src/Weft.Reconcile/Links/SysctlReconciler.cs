using Weft.Kernel;
using Weft.Kernel.Routing;
using Weft.Kernel.Sysctls;
using Weft.Model;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Reconcile.Links;

/// <summary>
/// Kernel parameters. Weft sets those that it is asked for and leaves them when nobody asks any more: what they were before is not known.
/// Reading one costs more than reading a route, so one found right is not read again until <see cref="Forget"/>, or until its link is
/// another one.
/// </summary>
internal sealed class SysctlReconciler(ISysctls sysctls, NodeLinks links) : IReconciler
{
    private readonly Dictionary<string, (string Value, int Link)> _known = new(StringComparer.Ordinal);

    private readonly Dictionary<string, string?> _links = new(StringComparer.Ordinal);

    public void Forget() => _known.Clear();

    public void Apply(ApplyStep step, DesiredState desired, ReconcileReport report)
    {
        if (step is not (ApplyStep.Sysctls or ApplyStep.LinkSysctls))
            return;
        foreach (var sysctl in desired.Routing.Sysctls)
        {
            var link = CachedLinkOf(sysctl.Path);
            if ((link is null) == (step == ApplyStep.Sysctls) && (link is null || !links.Awaits(link)))
                Set(sysctl, link, report);
        }
        if (step != ApplyStep.LinkSysctls || _known.Count <= 2 * desired.Routing.Sysctls.Count)
            return;
        _known.Clear();
        _links.Clear();
    }

    private string? CachedLinkOf(string path) => _links.TryGetValue(path, out var link) ? link : _links[path] = LinkOf(path);

    /// <summary>The link of a path such as net/ipv4/conf/eth0/rp_filter; null for one that is no link's.</summary>
    internal static string? LinkOf(string path)
    {
        var parts = path.Split('/');
        return parts is ["net", "ipv4" or "ipv6", "conf" or "neigh", not ("all" or "default"), _] ? parts[3] : null;
    }

    private void Set(Sysctl sysctl, string? link, ReconcileReport report)
    {
        var subject = $"sysctl {sysctl.Path}";
        var index = link is null ? 0 : links.Index(link);
        if (index is null)
        {
            report.Fail(new ReconcileFailure(subject, $"write '{sysctl.Value}' to {subject}", $"link '{link}' does not exist", Errno.ENODEV));
            return;
        }
        var wanted = (sysctl.Value, index.Value);
        if (_known.TryGetValue(sysctl.Path, out var known) && known == wanted)
            return;
        try
        {
            if (sysctls.Read(sysctl.Path) != sysctl.Value)
            {
                sysctls.Write(sysctl.Path, sysctl.Value);
                report.CountWrites();
            }
            _known[sysctl.Path] = wanted;
        }
        catch (KernelException e)
        {
            report.Fail(subject, e);
        }
    }
}
