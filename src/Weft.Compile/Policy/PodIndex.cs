using System.Net;
using Weft.Model;
using Weft.Model.Cluster;
using Weft.Model.Ipam;
using Weft.Model.Policy;
using Weft.Model.Selectors;
using Weft.Primitives;
using Weft.Store;

namespace Weft.Compile.Policy;

/// <summary>A pod that policies can select, with the addresses that it is known by.</summary>
internal sealed record PeerPod(
    ObjectKey Key, string Uid, string NodeName, Labels Labels, Labels NamespaceLabels,
    IReadOnlyList<IPAddress> Addresses, EquatableArray<NamedPort> Ports);

/// <summary>Every pod of the cluster that has an address of its own, and the selections already made among them.</summary>
internal sealed class PodIndex
{
    private static readonly IReadOnlyList<PeerPod> NoPods = [];

    private readonly List<PeerPod> _pods = [];
    private readonly Dictionary<ObjectKey, PeerPod> _byKey = [];
    private readonly Dictionary<string, List<PeerPod>> _byNamespace = new(StringComparer.Ordinal);
    private readonly Dictionary<(string? Namespace, LabelSelector? Namespaces, LabelSelector? Pods), IReadOnlyList<PeerPod>> _selections = [];

    public PodIndex(ClusterSnapshot snapshot)
    {
        var attached = new Dictionary<IPAddress, Attachment>();
        foreach (var attachment in snapshot.Attachments.Values)
        {
            foreach (var address in attachment.Addresses)
            {
                // Should two have it, every compilation must name the same one, whatever the order in which they came.
                if (!attached.TryGetValue(address, out var other) || string.CompareOrdinal(attachment.HostInterface, other.HostInterface) < 0)
                    attached[address] = attachment;
            }
        }
        var attachedAddresses = attached.Where(a => a.Value.Pod is not null).ToLookup(a => a.Value.Pod!.Value, a => a);
        foreach (var workload in snapshot.Workloads.Values.OrderBy(w => w.Key))
        {
            // A pod on the host's network is the node as far as packets tell, so no selector matches it (NetworkPolicy, "hostNetwork pods").
            if (workload.HostNetwork)
                continue;
            // What hangs on this node's links is certain; a status may be older than the address's next owner.
            var addresses = workload.Addresses
                .Where(a => !attached.TryGetValue(a, out var owner) || IsOf(owner, workload))
                .Concat(attachedAddresses[workload.Key].Where(a => IsOf(a.Value, workload)).Select(a => a.Key))
                .Distinct()
                .OrderBy(a => IpPrefix.Host(a))
                .ToList();
            Add(snapshot, workload, addresses);
        }
    }

    public IReadOnlyList<PeerPod> Pods => _pods;

    /// <summary>The pod of that name, unless the name has passed to a new pod since (<paramref name="uid"/> differs).</summary>
    public PeerPod? Find(ObjectKey key, string? uid) =>
        _byKey.TryGetValue(key, out var pod) && (string.IsNullOrEmpty(uid) || uid == pod.Uid) ? pod : null;

    /// <summary>
    /// The pods that a peer's selectors name from a policy in <paramref name="policyNamespace"/>: a pod selector alone stays in that
    /// namespace, a namespace selector alone takes every pod of the namespaces.
    /// </summary>
    public IReadOnlyList<PeerPod> Select(string policyNamespace, PolicyPeer peer)
    {
        var key = (peer.NamespaceSelector is null ? policyNamespace : null, peer.NamespaceSelector, peer.PodSelector);
        if (_selections.TryGetValue(key, out var known))
            return known;
        IReadOnlyList<PeerPod> among = peer.NamespaceSelector is { } namespaces
            ? _pods.FindAll(p => namespaces.Matches(p.NamespaceLabels))
            : _byNamespace.GetValueOrDefault(policyNamespace) ?? NoPods;
        var selected = peer.PodSelector is { } pods ? among.Where(p => pods.Matches(p.Labels)).ToList() : among;
        _selections[key] = selected;
        return selected;
    }

    private static bool IsOf(Attachment attachment, Workload workload) =>
        attachment.Pod == workload.Key && (string.IsNullOrEmpty(attachment.PodUid) || attachment.PodUid == workload.Uid);

    private void Add(ClusterSnapshot snapshot, Workload workload, List<IPAddress> addresses)
    {
        var ns = workload.Key.Namespace;
        // The API server sets this label on every namespace, so it holds even before the Namespace object has been seen.
        var labels = snapshot.Namespaces.GetValueOrDefault(ns)?.Labels ?? Labels.Of(("kubernetes.io/metadata.name", ns));
        var pod = new PeerPod(workload.Key, workload.Uid, workload.NodeName, workload.Labels, labels, addresses, workload.Ports);
        _pods.Add(pod);
        _byKey[pod.Key] = pod;
        if (!_byNamespace.TryGetValue(ns, out var list))
            _byNamespace[ns] = list = [];
        list.Add(pod);
    }
}
