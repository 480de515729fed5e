namespace Weft.Model.Ipam;

/// <summary>
/// Limits of a container's interface (CNI CONVENTIONS.md, "bandwidth"): rates in bits a second, bursts in bits, zero for no limit. Ingress is what the
/// container receives, egress what it sends.
/// </summary>
public sealed record Bandwidth(long IngressRate, long IngressBurst, long EgressRate, long EgressBurst);
