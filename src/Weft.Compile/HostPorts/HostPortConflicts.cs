using Weft.Model.Ipam;

namespace Weft.Compile.HostPorts;

/// <summary>Whether a container's port mappings can be had on a node. A port belongs to one container; what is open at every address takes each of them.</summary>
public static class HostPortConflicts
{
    /// <summary>Why the mappings cannot be had, naming the mapping and its holder; null when they can.</summary>
    /// <param name="key">The attachment that asks; what it holds already is its own.</param>
    /// <param name="wanted">All mappings that it asks for.</param>
    /// <param name="attachments">Every attachment of the node.</param>
    public static string? Find(AttachmentKey key, IReadOnlyList<PortMapping> wanted, IEnumerable<Attachment> attachments)
    {
        if (wanted.Count == 0)
            return null;
        var claims = wanted.Select(m => (Mapping: m, Claims: HostPortClaim.Of(m).ToList())).ToList();
        for (var i = 0; i < claims.Count; i++)
        {
            foreach (var (mapping, theirs) in claims[..i])
            {
                if (mapping.ContainerPort != claims[i].Mapping.ContainerPort && Overlapping(claims[i].Claims, theirs) is { } twice)
                    return $"the container asks twice for {twice}, for its ports {mapping.ContainerPort} and {claims[i].Mapping.ContainerPort}";
            }
        }
        foreach (var holder in attachments)
        {
            if (holder.PortMappings.IsEmpty || holder.Key == key)
                continue;
            foreach (var held in holder.PortMappings.Select(m => HostPortClaim.Of(m).ToList()))
            {
                foreach (var (_, mine) in claims)
                {
                    if (Overlapping(mine, held) is { } taken)
                        return $"{taken} of the node is taken by {Describe(holder)}";
                }
            }
        }
        return null;
    }

    internal static string Describe(Attachment attachment) =>
        attachment.Pod is { } pod ? $"Pod {pod}" : $"container {attachment.ContainerId} ({attachment.InterfaceName} on network {attachment.Network})";

    private static HostPortClaim? Overlapping(List<HostPortClaim> mine, List<HostPortClaim> theirs)
    {
        foreach (var claim in mine)
        {
            foreach (var other in theirs)
            {
                if (claim.Overlaps(other))
                    return claim;
            }
        }
        return null;
    }
}
