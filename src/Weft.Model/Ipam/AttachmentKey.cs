namespace Weft.Model.Ipam;

/// <summary>What tells attachments apart: the triple for which a runtime calls ADD at most once before DEL (CNI SPEC.md 1.1.0 section 2, "ADD").</summary>
/// <param name="Network">The network's name in the configuration list.</param>
/// <param name="ContainerId">CNI_CONTAINERID.</param>
/// <param name="InterfaceName">CNI_IFNAME, inside the container.</param>
public readonly record struct AttachmentKey(string Network, string ContainerId, string InterfaceName);
