using System.Net;

namespace Weft.Kernel.Conntrack;

/// <summary>One direction of a tracked connection. For ICMP both ports are the identifier.</summary>
/// <param name="Protocol">IANA protocol number.</param>
public sealed record ConntrackFlow(IPAddress Source, IPAddress Destination, byte Protocol, ushort SourcePort, ushort DestinationPort);

/// <summary>
/// A tracked connection: as the first packet was before translation, and as answers to it arrive. Where the two do not mirror each other
/// there was address translation.
/// </summary>
public sealed record ConntrackEntry(ConntrackFlow Original, ConntrackFlow Reply);

/// <summary>The connection table of one network namespace.</summary>
public interface IConntrack : IDisposable
{
    /// <summary>All entries of both families.</summary>
    /// <exception cref="KernelException">The kernel refused, or has no connection tracking.</exception>
    IReadOnlyList<ConntrackEntry> List();

    /// <summary>
    /// Forgets the entries that a condition picks; the next packet of such a connection is judged and translated anew.
    /// </summary>
    /// <returns>How many there were.</returns>
    /// <exception cref="KernelException">The kernel refused.</exception>
    int Delete(Func<ConntrackEntry, bool> which);
}

/// <summary>Common conditions for <see cref="IConntrack.Delete"/>.</summary>
public static class ConntrackExtensions
{
    private const byte Udp = 17;

    /// <summary>
    /// Forgets UDP connections to an address, be it a Service's or a backend's. UDP has no end, so that a client that goes on sending would
    /// else stay with a backend that is gone.
    /// </summary>
    public static int DeleteUdpTo(this IConntrack conntrack, IPAddress address) => conntrack.Delete(entry =>
        entry.Original.Protocol == Udp && (entry.Original.Destination.Equals(address) || entry.Reply.Source.Equals(address)));

    /// <summary>Forgets all connections that an address takes part in, whichever protocol.</summary>
    public static int DeleteWith(this IConntrack conntrack, IPAddress address) => conntrack.Delete(entry =>
        entry.Original.Source.Equals(address) || entry.Original.Destination.Equals(address)
        || entry.Reply.Source.Equals(address) || entry.Reply.Destination.Equals(address));
}
