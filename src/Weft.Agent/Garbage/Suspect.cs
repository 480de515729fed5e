using Weft.Agent.Ipam;

namespace Weft.Agent.Garbage;

/// <summary>An address that is kept although something says that its holder is gone.</summary>
internal sealed record Suspect(AttachmentRecord Record, string Reason, string Proof, DateTimeOffset Since);
