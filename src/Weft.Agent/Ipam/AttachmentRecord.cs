using Weft.Model.Ipam;

namespace Weft.Agent.Ipam;

/// <summary>An attachment as the address store keeps it. <paramref name="Mtu"/> is that of the pod's interface, bytes.</summary>
public sealed record AttachmentRecord(Attachment Attachment, int Mtu, DateTimeOffset Created, HoldKind Kind = HoldKind.Attachment)
{
    public AttachmentKey Key => Attachment.Key;
}
