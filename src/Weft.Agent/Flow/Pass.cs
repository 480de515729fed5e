using Weft.Model;
using Weft.Reconcile;
using Weft.Store;

namespace Weft.Agent.Flow;

/// <summary>One turn of the flow: what was compiled from which snapshot, and what came of applying it.</summary>
internal sealed record Pass(long Number, ClusterSnapshot Snapshot, DesiredState Desired, ReconcileReport Report, TimeSpan CompileTime, TimeSpan ApplyTime)
{
    public bool InForce => Report.Succeeded;

    /// <summary>The first of what could not be applied; null when all is in force.</summary>
    public string? Failure => Report.Failures is [var first, ..] ? $"{first.Object}: {first.Operation}: {first.Error}" : null;
}
