namespace Weft.Agent.Garbage;

/// <summary>Port to the container runtime: which pod sandboxes it has.</summary>
internal interface ISandboxes
{
    /// <summary>The ids, which are those that it gives to CNI as container ids; null when it does not answer, which says nothing.</summary>
    Task<IReadOnlySet<string>?> ListAsync(CancellationToken cancel);
}
