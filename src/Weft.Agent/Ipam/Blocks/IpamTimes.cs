namespace Weft.Agent.Ipam.Blocks;

/// <summary>How long things take in a node's part of the pools.</summary>
public sealed record IpamTimes
{
    /// <summary>How often it looks after its blocks and loans when nothing changes.</summary>
    public TimeSpan Tend { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long ADD waits for the answer of one owner of whom it borrows.</summary>
    public TimeSpan LoanAnswer { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a block stays with its node after its last address has rested.</summary>
    public TimeSpan EmptyBlock { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a Node object must be away before others take what is its: longer than it takes to make it anew.</summary>
    public TimeSpan Vanished { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long ADD waits for the API to show the pod, whose annotations may choose a pool. Only where there are pools.</summary>
    public TimeSpan PodShown { get; init; } = TimeSpan.FromSeconds(1);
}
