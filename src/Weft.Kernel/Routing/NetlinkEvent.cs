using Weft.Model.Routing;

namespace Weft.Kernel.Routing;

/// <summary>What a monitor listens to.</summary>
[Flags]
public enum NetlinkTopics
{
    None = 0,
    Links = 1,
    Addresses = 2,
    Routes = 4,
    Neighbors = 8,
}

/// <summary>A change that the kernel announced.</summary>
public abstract record NetlinkEvent;

/// <summary>A link appeared, changed or (<paramref name="Deleted"/>) went.</summary>
public sealed record LinkChanged(int Index, string Name, bool Up, bool Running, bool Deleted) : NetlinkEvent;

/// <summary>An address was added or deleted.</summary>
public sealed record AddressChanged(LinkAddress Address, bool Deleted) : NetlinkEvent;

/// <summary>A route of the main table was added, replaced or deleted.</summary>
public sealed record RouteChanged(ObservedRoute Route, bool Deleted) : NetlinkEvent;

/// <summary>A neighbor or forwarding entry was added, changed or deleted.</summary>
public sealed record NeighborChanged(ObservedNeighbor Neighbor, bool Deleted) : NetlinkEvent;

/// <summary>Events were lost (ENOBUFS): the listener must read everything anew.</summary>
public sealed record EventsLost : NetlinkEvent;
