using System.Net;
using Weft.Compile.Routing;
using Weft.Compile.Tables;
using Weft.Model;
using Weft.Model.Ipam;
using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Compile.Policy;

/// <summary>A pod of this node. <see cref="Known"/> is null while the API has not shown the pod that an attachment was made for.</summary>
internal sealed record LocalPod(ObjectKey Key, PeerPod? Known, IReadOnlyList<IPAddress> Addresses);

/// <summary>The pods of this node and the links they hang on.</summary>
internal sealed class LocalPods
{
    private readonly List<LocalPod> _pods = [];
    private readonly List<Attachment> _attachments;
    private readonly List<IPAddress> _unattached = [];

    public LocalPods(string nodeName, IEnumerable<Attachment> attachments, PodIndex index)
    {
        _attachments = [.. attachments];
        // In place and without keys of its own: this is most of what an ADD compiles on a full node.
        _attachments.Sort(static (a, b) => string.CompareOrdinal(a.HostInterface, b.HostInterface));
        var owned = new HashSet<IPAddress>(_attachments.Count);
        foreach (var attachment in _attachments)
        {
            // Outside Kubernetes there is no pod that a policy could select.
            var mine = attachment.Pod is null ? null : new List<IPAddress>(attachment.Addresses.Count);
            foreach (var address in attachment.Addresses)
            {
                if (owned.Add(address))
                    mine?.Add(address);
            }
            if (attachment.Pod is { } pod)
                _pods.Add(new LocalPod(pod, index.Find(pod, attachment.PodUid), mine!));
        }
        // Pods that run here though no attachment is remembered, such as those of an agent whose state was lost.
        foreach (var pod in index.Pods)
        {
            if (pod.NodeName != nodeName)
                continue;
            var mine = pod.Addresses.Where(owned.Add).ToList();
            if (mine.Count == 0)
                continue;
            _pods.Add(new LocalPod(pod.Key, pod, mine));
            _unattached.AddRange(mine);
        }
        _pods.Sort(static (a, b) => a.Key.CompareTo(b.Key));
    }

    public IReadOnlyList<LocalPod> Pods => _pods;

    /// <summary>By the name of the node's end, which is the attachment's own.</summary>
    public IReadOnlyList<Attachment> Attachments => _attachments;

    /// <summary>Every local pod address of a family twice, attachments outside Kubernetes included: those of attachments first.</summary>
    public IEnumerable<NftElement> SelfElements(bool ipv6) =>
        _attachments.SelectMany(a => AttachmentParts.Of(a).Addresses).Where(a => a.IPv6 == ipv6).Select(a => a.SelfElement)
            .Concat(_unattached.Where(a => Family.IsIPv6(a) == ipv6).Order(Comparer<IPAddress>.Create((a, b) => IpPrefix.ToBits(a).CompareTo(IpPrefix.ToBits(b))))
                .Select(a => new NftElement([NftValue.Of(a), NftValue.Of(a)])));
}
