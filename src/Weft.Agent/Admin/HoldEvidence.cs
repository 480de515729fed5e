using Weft.Agent.Cni;
using Weft.Agent.Garbage;
using Weft.Agent.Ipam;
using Weft.Agent.Ipam.Blocks;
using Weft.Model;
using Weft.Store;

namespace Weft.Agent.Admin;

/// <summary>What speaks for and against an address being in use.</summary>
/// <param name="Facts">What was looked at and found, one sentence each.</param>
/// <param name="Finding">What is not as it should be; null when nothing is.</param>
/// <param name="Leaked">Whether the facts prove that nothing uses the address.</param>
internal sealed record HoldEvidence(IReadOnlyList<string> Facts, string? Finding, bool Leaked)
{
    public static HoldEvidence Of(AttachmentRecord record, string node, ClusterSnapshot cluster, IPodNetwork network, bool beingAdded)
    {
        var facts = new List<string>();
        if (Lender.LoanOf(record) is { } loan)
            return OfLoan(record, loan, cluster, facts);
        if (IpamCommand.IsGateway(record.Key))
        {
            facts.Add($"set aside as the gateway of network {record.Key.Network} for weft-ipam; no container gets it");
            return new HoldEvidence(facts, null, false);
        }
        var attachment = record.Attachment;
        var pod = PodFact(record, node, cluster, facts);
        if (beingAdded)
        {
            facts.Add("an ADD for it is running");
            return new HoldEvidence(facts, null, false);
        }
        var vanished = attachment.NetworkNamespace.Length > 0 ? network.NamespaceProblem(attachment.NetworkNamespace) : null;
        facts.Add(vanished is null ? $"its network namespace {attachment.NetworkNamespace} exists" : $"its network namespace is gone: {vanished}");
        if (record.Kind == HoldKind.Delegated)
        {
            facts.Add("another plugin made its interface, through weft-ipam");
            return vanished is null ? new HoldEvidence(facts, pod, false) : new HoldEvidence(facts, "held, but its network namespace is gone", true);
        }
        if (network.Exists(attachment.HostInterface))
        {
            facts.Add($"its interface {attachment.HostInterface} exists");
            return new HoldEvidence(facts, pod, false);
        }
        // A pair of veth dies as one; an end that was only renamed has its peer still.
        if (network.HasInterface(attachment.NetworkNamespace, attachment.InterfaceName))
        {
            facts.Add($"its interface {attachment.HostInterface} does not exist, but {attachment.InterfaceName} in {attachment.NetworkNamespace} does");
            return new HoldEvidence(facts, $"held, but its interface {attachment.HostInterface} is missing or renamed", false);
        }
        facts.Add($"its interface {attachment.HostInterface} does not exist, so nothing can receive a packet at its address");
        return new HoldEvidence(facts, $"held, but its interface {attachment.HostInterface} does not exist", true);
    }

    /// <summary>The same with what the garbage collector has found and may not act on. Proof of a leak says more, and stays.</summary>
    public HoldEvidence With(Suspect suspect)
    {
        var doubt = $"{suspect.Proof} ({suspect.Reason}, since {suspect.Since.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ})";
        return this with { Facts = [.. Facts, $"the garbage collector keeps it, and suspects that its holder is gone: {doubt}"], Finding = Leaked ? Finding : $"held, but {doubt}" };
    }

    private static HoldEvidence OfLoan(AttachmentRecord record, (string Block, string Id) loan, ClusterSnapshot cluster, List<string> facts)
    {
        var borrower = record.Attachment.Aliases.FirstOrDefault() ?? "?";
        facts.Add($"lent to node {borrower}, as loan {loan.Id} of IPBlock {loan.Block}");
        if (cluster.Blocks.GetValueOrDefault(loan.Block)?.Loans.Any(l => l.Id == loan.Id) == true)
        {
            facts.Add("the block lists the loan");
            return new HoldEvidence(facts, cluster.Nodes.ContainsKey(borrower) ? null : $"lent to node {borrower}, which is gone", false);
        }
        facts.Add("the block does not list the loan (any more); it is taken back when the API server confirms that");
        return new HoldEvidence(facts, $"held for a loan that IPBlock {loan.Block} does not list", false);
    }

    // Null when there is nothing wrong about its pod.
    private static string? PodFact(AttachmentRecord record, string node, ClusterSnapshot cluster, List<string> facts)
    {
        if (record.Attachment.Pod is not { } key)
        {
            facts.Add("it is no pod's");
            return null;
        }
        if (!cluster.Workloads.TryGetValue(key, out var pod))
            return Add($"the API has no pod {key}");
        if (record.Attachment.PodUid is { Length: > 0 } uid && pod.Uid != uid && pod.Uid.Length > 0)
            return Add($"pod {key} in the API is another one (UID {pod.Uid} instead of {uid})");
        if (pod.NodeName != node)
            return Add($"pod {key} is on node {pod.NodeName}");
        if (!pod.Addresses.IsEmpty && !pod.Addresses.Any(record.Attachment.Addresses.Contains))
            return Add($"pod {key} has {string.Join(", ", pod.Addresses)} in the API");
        facts.Add(pod.Addresses.IsEmpty ? $"pod {key} is in the API without an address" : $"pod {key} has {string.Join(", ", pod.Addresses)} in the API");
        return null;

        string Add(string fact)
        {
            facts.Add(fact);
            return $"held, but {fact}";
        }
    }
}
