using Weft.Model.Ipam;

namespace Weft.Agent.Cni;

/// <summary>The network of a namespace is not, or cannot be made, as it should be; the message names the object and what was found.</summary>
public sealed class PodNetworkException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Port from the CNI server to the kernel: the interface of one container. What the node needs besides (routes to the pod, policy) comes
/// from the desired state. All members block, for a few milliseconds at most, and may be called from several threads at once.
/// </summary>
public interface IPodNetwork
{
    /// <summary>Null when the path leads to a network namespace other than the agent's own; else the reason why not.</summary>
    string? NamespaceProblem(string netns);

    /// <summary>Whether the namespace has an interface of that name, whoever made it; false also when there is no such namespace.</summary>
    bool HasInterface(string netns, string name);

    /// <summary>
    /// Makes the veth pair, the container's end inside its namespace with name, MAC and MTU, then its addresses, routes and neighbor
    /// entries, and brings both ends and the namespace's loopback up. An older host end of the same name is replaced. On failure nothing
    /// is left.
    /// </summary>
    /// <exception cref="PodNetworkException">The kernel refused a step, which the message names.</exception>
    void Create(Attachment attachment, int mtu);

    /// <summary>Removes the veth pair. True when there was one.</summary>
    /// <exception cref="PodNetworkException">The kernel refused.</exception>
    bool Delete(string hostInterface);

    /// <summary>Whether the host's end exists, which it does only as long as the container's end does.</summary>
    bool Exists(string hostInterface);

    /// <summary>Names of the links in the node's namespace that are named as host ends are, whoever made them.</summary>
    IReadOnlyList<string> HostInterfaces();

    /// <summary>What of the container's interface and of the node's end is missing or changed, one sentence each; empty when all is as expected.</summary>
    IReadOnlyList<string> Verify(Attachment attachment, PodExpectation expected);
}
