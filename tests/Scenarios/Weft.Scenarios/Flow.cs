using System.Net;
using Weft.Model;
using Weft.Primitives;

namespace Weft.Scenarios;

/// <summary>One end of a flow, by the name that the scenario gives it.</summary>
public abstract record FlowEnd
{
    private FlowEnd()
    {
    }

    public sealed record Pod(ObjectKey Key) : FlowEnd;

    public sealed record Node(string Name) : FlowEnd;

    public sealed record Outside : FlowEnd;

    public sealed record Service(ObjectKey Key) : FlowEnd;

    public sealed record Dns : FlowEnd;

    public sealed record Address(IPAddress Value) : FlowEnd;
}

public enum FlowVerdict
{
    /// <summary>The connection succeeds.</summary>
    Allow,

    /// <summary>The client gets no answer.</summary>
    Deny,

    /// <summary>The client is refused at once.</summary>
    Reject,

    /// <summary>There is no way to the address.</summary>
    Unreachable,
}

/// <summary>One line of flows.txt: see tests/Scenarios/README.md for the grammar.</summary>
/// <param name="Line">Line number in the file.</param>
/// <param name="Text">The line.</param>
/// <param name="Protocol">IP protocol number; 1 stands for ping of either family.</param>
/// <param name="Port">0 for ping.</param>
/// <param name="IPv6">The family to use.</param>
/// <param name="SourceSeen">What the server must see: <c>pod</c>, <c>node/NAME</c> or an address; null when any will do.</param>
/// <param name="Backends">The pods that must be reachable, all of them and no other; empty when any will do.</param>
/// <param name="Via">Node by which packets from outside to an address that is no node's come in.</param>
public sealed record Flow(
    int Line, string Text, FlowEnd From, FlowEnd To, byte Protocol, int Port, FlowVerdict Verdict,
    bool IPv6, string? SourceSeen, EquatableArray<ObjectKey> Backends, string? Via)
{
    public bool IsPing => Protocol == 1;
}
