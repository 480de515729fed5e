namespace Weft.Kubernetes.Status;

/// <summary>What a node's network came to. Null means that pods can be attached and everything is in force.</summary>
public sealed record NodeNetwork(string? Problem);
