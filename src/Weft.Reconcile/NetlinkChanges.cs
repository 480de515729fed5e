using Weft.Kernel;
using Weft.Kernel.Routing;
using Weft.Primitives;

namespace Weft.Reconcile;

/// <summary>Changes of one step, sent together, with the object that each belongs to.</summary>
internal sealed class NetlinkChanges(INetlink netlink, ReconcileReport report)
{
    private readonly List<string> _objects = [];
    private readonly List<NetlinkRequest> _requests = [];

    internal void Add(string subject, NetlinkRequest request)
    {
        _objects.Add(subject);
        _requests.Add(request);
    }

    /// <summary>Carries the changes out and reports those that failed. True when none did.</summary>
    /// <param name="gone">Errors that say that what was to be deleted is gone already, which is as good.</param>
    internal bool Carry(params ReadOnlySpan<Errno> gone)
    {
        if (_requests.Count == 0)
            return true;
        var failed = false;
        var results = netlink.Execute(_requests);
        for (var i = 0; i < results.Count; i++)
        {
            if (results[i].Succeeded)
                report.CountWrites();
            else if (!gone.Contains(results[i].Errno))
            {
                report.Fail(new ReconcileFailure(_objects[i], _requests[i].Describe(), results[i].Text, results[i].Errno));
                failed = true;
            }
        }
        return !failed;
    }
}
