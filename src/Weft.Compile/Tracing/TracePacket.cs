using System.Globalization;
using System.Net;
using Weft.Compile.Tables;
using Weft.Model.Nft;

namespace Weft.Compile.Tracing;

/// <summary>The first packet of a connection at one point of its way, with what connection tracking remembers of it.</summary>
/// <param name="Protocol">IP protocol number. Those without ports have port 0.</param>
/// <param name="Translated">Destination NAT was done on this node (<c>ct status dnat</c>).</param>
/// <param name="OriginalDestination">Destination as it came to this node.</param>
internal sealed record TracePacket(
    IPAddress Source,
    IPAddress Destination,
    byte Protocol,
    int SourcePort,
    int DestinationPort,
    IPAddress OriginalDestination,
    bool Translated = false,
    uint Mark = 0,
    string InputInterface = "",
    string OutputInterface = "")
{
    public bool IPv6 => Family.IsIPv6(Destination);

    public bool HasPorts => Protocol is 6 or 17 or 132;

    /// <summary>The field as a constant, or null when this packet has no such field: a match on it fails, inverted or not.</summary>
    public NftValue? Value(NftField field) => field switch
    {
        NftField.Ipv4Source => IPv6 ? null : NftValue.Of(Source),
        NftField.Ipv4Destination => IPv6 ? null : NftValue.Of(Destination),
        NftField.Ipv6Source => IPv6 ? NftValue.Of(Source) : null,
        NftField.Ipv6Destination => IPv6 ? NftValue.Of(Destination) : null,
        NftField.Protocol => new NftProtocol(Protocol),
        NftField.SourcePort => HasPorts ? NftValue.Of(SourcePort) : null,
        NftField.DestinationPort => HasPorts ? NftValue.Of(DestinationPort) : null,
        NftField.Mark => NftValue.Of(Mark),
        NftField.InputInterface => new NftText(InputInterface),
        NftField.OutputInterface => new NftText(OutputInterface),
        NftField.OriginalIpv4Destination => IPv6 ? null : NftValue.Of(OriginalDestination),
        NftField.OriginalIpv6Destination => IPv6 ? NftValue.Of(OriginalDestination) : null,
        _ => throw new ArgumentOutOfRangeException(nameof(field), field, "the tracer does not know this field"),
    };

    public override string ToString() => HasPorts
        ? string.Create(CultureInfo.InvariantCulture, $"{Source} -> {Destination} port {DestinationPort}")
        : $"{Source} -> {Destination}";
}
