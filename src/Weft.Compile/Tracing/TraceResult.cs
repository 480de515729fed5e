using System.Globalization;
using System.Net;
using Weft.Model;
using Weft.Primitives;

namespace Weft.Compile.Tracing;

/// <summary>Where a connection begins.</summary>
public abstract record TraceOrigin
{
    private TraceOrigin()
    {
    }

    /// <summary>A process in a pod. A host-network pod's is a process of its node.</summary>
    public sealed record Pod(ObjectKey Key) : TraceOrigin;

    /// <summary>A process in the node's own network namespace.</summary>
    public sealed record Node(string Name) : TraceOrigin;

    /// <summary>A host outside the cluster. It reaches node addresses; for anything else its packets enter at <paramref name="Via"/>.</summary>
    public sealed record Outside(IPAddress Address, string? Via = null) : TraceOrigin;
}

public enum TraceVerdict
{
    Delivered,

    /// <summary>Discarded in silence: the client times out.</summary>
    Dropped,

    /// <summary>Answered with a reset or ICMP error: the client fails at once.</summary>
    Rejected,

    /// <summary>No route, no neighbor, or nobody has the address.</summary>
    Unroutable,

    /// <summary>Delivered, but the answer does not come back past the node that would undo a translation.</summary>
    ReplyLost,
}

public enum TraceTargetKind { Pod, Node, Outside }

/// <summary>Who got the packet: a pod's namespace/name, a node's name or an outside address.</summary>
public sealed record TraceTarget(TraceTargetKind Kind, string Name)
{
    public override string ToString() => Kind == TraceTargetKind.Outside ? Name : $"{Kind.ToString().ToLowerInvariant()} {Name}";
}

/// <summary>One step: where, what was done there, and the rules that did it.</summary>
public sealed record TraceStage(string Node, string Step, string Packet, EquatableArray<string> Causes)
{
    public override string ToString() => $"{Node}: {Step}: {Packet}{(Causes.IsEmpty ? "" : $" [{string.Join("; ", Causes)}]")}";
}

/// <summary>The end of one way through the cluster.</summary>
/// <param name="Target">Who got it, or would have.</param>
/// <param name="Source">Source address as the target sees it.</param>
/// <param name="Destination">Destination after translation.</param>
/// <param name="Port">Destination port after translation.</param>
/// <param name="Cause">The rule or missing thing that ended it; empty when delivered.</param>
public sealed record TraceOutcome(
    TraceVerdict Verdict, TraceTarget? Target, IPAddress Source, IPAddress Destination, int Port, string Cause, EquatableArray<TraceStage> Stages);

/// <summary>Every way that the first packet of a connection can take: more than one where a Service picks among backends.</summary>
public sealed record TraceResult(EquatableArray<TraceOutcome> Outcomes)
{
    /// <summary>What all ways have in common; null when they end differently.</summary>
    public TraceVerdict? Verdict => Outcomes.Select(o => o.Verdict).Distinct().Take(2).ToList() is [var one] ? one : null;

    public IEnumerable<TraceTarget> Targets => Outcomes.Select(o => o.Target).OfType<TraceTarget>().Distinct();

    public IEnumerable<IPAddress> Sources => Outcomes.Select(o => o.Source).Distinct();

    public override string ToString() => string.Join(" | ", Outcomes.Select(o => string.Create(CultureInfo.InvariantCulture,
        $"{o.Verdict}{(o.Target is null ? "" : $" to {o.Target}")} at {o.Destination} port {o.Port} from {o.Source}{(o.Cause.Length == 0 ? "" : $" ({o.Cause})")}")).Distinct());
}
