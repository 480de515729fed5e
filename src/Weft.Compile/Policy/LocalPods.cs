using System.Net;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Primitives;

namespace Weft.Compile.Policy;

/// <summary>A pod of this node. <see cref="Known"/> is null while the API has not shown the pod that an attachment was made for.</summary>
internal sealed record LocalPod(ObjectKey Key, PeerPod? Known, IReadOnlyList<IPAddress> Addresses);

/// <summary>The pods of this node and the links they hang on.</summary>
internal sealed class LocalPods
{
    private readonly List<LocalPod> _pods = [];
    private readonly List<Attachment> _attachments;

    public LocalPods(string nodeName, IEnumerable<Attachment> attachments, PodIndex index)
    {
        _attachments = [.. attachments];
        // In place and without keys of its own: this is most of what an ADD compiles on a full node.
        _attachments.Sort(static (a, b) => string.CompareOrdinal(a.HostInterface, b.HostInterface));
        var owned = new HashSet<IPAddress>();
        foreach (var attachment in _attachments)
        {
            var mine = attachment.Addresses.Where(owned.Add).ToList();
            // Outside Kubernetes there is no pod that a policy could select.
            if (attachment.Pod is { } pod)
                _pods.Add(new LocalPod(pod, index.Find(pod, attachment.PodUid), mine));
        }
        // Pods that run here though no attachment is remembered, such as those of an agent whose state was lost.
        foreach (var pod in index.Pods)
        {
            if (pod.NodeName != nodeName)
                continue;
            var mine = pod.Addresses.Where(owned.Add).ToList();
            if (mine.Count > 0)
                _pods.Add(new LocalPod(pod.Key, pod, mine));
        }
        _pods.Sort(static (a, b) => a.Key.CompareTo(b.Key));
    }

    public IReadOnlyList<LocalPod> Pods => _pods;

    /// <summary>By the name of the node's end, which is the attachment's own.</summary>
    public IReadOnlyList<Attachment> Attachments => _attachments;

    /// <summary>Every local pod address of a family, attachments outside Kubernetes included, in order.</summary>
    public IEnumerable<IPAddress> Addresses(bool ipv6) =>
        _pods.SelectMany(p => p.Addresses)
            .Concat(_attachments.SelectMany(a => a.Addresses))
            .Where(a => Family.IsIPv6(a) == ipv6)
            .Distinct()
            .OrderBy(IpPrefix.ToBits);
}
