using Weft.Agent.Cni;
using Weft.Agent.Ipam;
using Weft.Model.Ipam;
using Weft.Store;

namespace Weft.Agent.Garbage;

/// <summary>
/// Whether an address's holder is gone. Three are asked, and none is believed alone but the kernel: what the API says may be old, or of another
/// pod of the name; what the runtime does not list may be a container of another runtime, or one whose network is just being made.
/// </summary>
internal sealed class GarbageJudge(string node, IPodNetwork network, Func<ClusterSnapshot> api)
{
    public const string InterfaceGone = "interface-gone";
    public const string SandboxGone = "sandbox-gone";
    public const string RuntimeSilent = "runtime-silent";
    public const string SandboxExists = "sandbox-exists";

    /// <summary>Whether neither end is there. A pair of veth dies as one; an end that was only renamed has its peer still.</summary>
    public static bool IsInterfaceGone(IPodNetwork network, Attachment attachment) =>
        !network.Exists(attachment.HostInterface) && !network.HasInterface(attachment.NetworkNamespace, attachment.InterfaceName);

    /// <param name="sandboxes">Asks the runtime; called only when its word matters. Null says nothing.</param>
    public async Task<Verdict> JudgeAsync(AttachmentRecord record, Func<Task<IReadOnlySet<string>?>> sandboxes)
    {
        var attachment = record.Attachment;
        if (record.Kind is not (HoldKind.Attachment or HoldKind.Delegated) || IpamCommand.IsGateway(record.Key))
            return Verdict.Live;
        if (record.Kind == HoldKind.Attachment && IsInterfaceGone(network, attachment))
            return new Verdict(VerdictKind.Garbage, InterfaceGone, $"{attachment.HostInterface} does not exist, nor {attachment.InterfaceName} in {attachment.NetworkNamespace}");
        // Without a pod the container may be another runtime's than the one with the CRI, whose list says nothing then.
        if (PodProblem(record) is not { } problem)
            return Verdict.Live;
        if (await sandboxes() is not { } ids)
            return new Verdict(VerdictKind.Suspect, RuntimeSilent, $"{problem}; the runtime has not been heard (--cri-socket)");
        return ids.Contains(attachment.ContainerId)
            ? new Verdict(VerdictKind.Suspect, SandboxExists, $"{problem}; the runtime still has sandbox {attachment.ContainerId}")
            : new Verdict(VerdictKind.Garbage, SandboxGone, $"{problem}; the runtime has no sandbox {attachment.ContainerId}");
    }

    /// <summary>What the API says against the holder; null when nothing, or when it cannot know.</summary>
    private string? PodProblem(AttachmentRecord record)
    {
        var attachment = record.Attachment;
        if (attachment.Pod is not { } pod)
            return null;
        if (!api().Workloads.TryGetValue(pod, out var workload))
            return $"there is no pod {pod}";
        if (attachment.PodUid is { Length: > 0 } uid && uid != workload.Uid)
            return $"pod {pod} has the UID {workload.Uid}, not {uid}";
        if (workload.NodeName.Length > 0 && workload.NodeName != node)
            return $"pod {pod} is on node {workload.NodeName}";
        if (workload.Ended)
            return $"pod {pod} has ended";
        // Another plugin's interface cannot be looked for: what it holds goes by the runtime's word (a new sandbox of a living pod included).
        return record.Kind == HoldKind.Delegated ? $"the address is another plugin's, for pod {pod}" : null;
    }
}
