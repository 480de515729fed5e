using System.Net;
using System.Runtime.CompilerServices;
using Weft.Compile.HostPorts;
using Weft.Compile.Tables;
using Weft.Model.Ipam;
using Weft.Model.Nft;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Compile.Routing;

/// <summary>
/// What follows from one attachment alone, made once: on a node with a thousand pods each ADD compiles the others again, and what keeps its identity
/// from one compilation to the next is compared and said without a look inside. Only a memory: the same attachment always gives equal parts.
/// </summary>
internal sealed class AttachmentParts
{
    private static readonly ConditionalWeakTable<Attachment, AttachmentParts> Known = [];

    private readonly (int Mtu, IPAddress? IPv4, IPAddress? IPv6) _of;

    private AttachmentParts(Attachment attachment, (int Mtu, IPAddress? IPv4, IPAddress? IPv6) of)
    {
        _of = of;
        var name = attachment.HostInterface;
        var mac = MacAddress.Parse(attachment.Mac);
        Link = new VethLink(name, of.Mtu);
        LinkElement = new NftElement([new NftText(name)]);
        Addresses = [.. attachment.Addresses.Select(a => new AttachedAddress(name, a, mac, Family.IsIPv6(a) ? of.IPv6 : of.IPv4))];
        // Only on links where a host port needs it: it is what lets packets for 127.0.0.1 cross the link, which the table confines to host ports.
        Sysctls = HostPortsCompiler.IsOpenAtLoopback(attachment)
            ? [RoutingCompiler.Loose(name), new Sysctl($"net/ipv4/conf/{name}/route_localnet", "1")]
            : [RoutingCompiler.Loose(name)];
    }

    public VethLink Link { get; }

    /// <summary>The link's name, as an element of a set of links.</summary>
    public NftElement LinkElement { get; }

    public IReadOnlyList<AttachedAddress> Addresses { get; }

    public IReadOnlyList<Sysctl> Sysctls { get; }

    /// <param name="mtu">Bytes.</param>
    /// <param name="ipv4">The node's preferred source towards its pods, a family.</param>
    public static AttachmentParts Of(Attachment attachment, int mtu, IPAddress? ipv4, IPAddress? ipv6)
    {
        var of = (mtu, ipv4, ipv6);
        if (Known.TryGetValue(attachment, out var parts) && parts._of.Mtu == mtu && Equals(parts._of.IPv4, ipv4) && Equals(parts._of.IPv6, ipv6))
            return parts;
        parts = new AttachmentParts(attachment, of);
        Known.AddOrUpdate(attachment, parts);
        return parts;
    }

    /// <summary>The parts that do not depend on the node.</summary>
    public static AttachmentParts Of(Attachment attachment) => Known.TryGetValue(attachment, out var parts) ? parts : Of(attachment, 0, null, null);
}

/// <summary>An address behind a link.</summary>
internal sealed class AttachedAddress(string link, IPAddress address, MacAddress mac, IPAddress? source)
{
    public bool IPv6 { get; } = Family.IsIPv6(address);

    public IPAddress Address => address;

    // Without a preferred source the kernel takes the first address of any device, such as the DNS Service address on lo.
    public Route Route { get; } = new(IpPrefix.Host(address), link, Source: source, LinkScope: !Family.IsIPv6(address));

    public Neighbor Neighbor { get; } = new(link, address, mac);

    /// <summary>Link and address: what may come from the link.</summary>
    public NftElement SourceElement { get; } = new([new NftText(link), NftValue.Of(address)]);

    /// <summary>The address twice: what the container says to itself.</summary>
    public NftElement SelfElement { get; } = new([NftValue.Of(address), NftValue.Of(address)]);
}
