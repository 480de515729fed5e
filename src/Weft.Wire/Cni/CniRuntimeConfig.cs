using System.Net;
using Weft.Primitives;

namespace Weft.Wire.Cni;

/// <summary>
/// <c>runtimeConfig</c>: what the runtime says of one container in answer to the capabilities that the configuration list declares (CNI CONVENTIONS.md,
/// "Dynamic Plugin specific fields").
/// </summary>
/// <param name="Ips">Addresses the container must get; the prefix length, when given, is ignored as Weft gives host prefixes.</param>
/// <param name="Mac">48 bits, when the runtime asks for a hardware address.</param>
/// <param name="Dns">Null when the runtime says nothing of DNS.</param>
public sealed record CniRuntimeConfig(
    EquatableArray<CniPortMapping> PortMappings,
    CniBandwidth? Bandwidth,
    EquatableArray<IPAddress> Ips,
    ulong? Mac,
    CniDns? Dns,
    EquatableArray<string> Aliases)
{
    public static CniRuntimeConfig Empty { get; } = new([], null, [], null, null, []);
}

/// <summary>An element of <c>portMappings</c>.</summary>
/// <param name="Protocol">IANA protocol number: 6 TCP (the default), 17 UDP, 132 SCTP.</param>
/// <param name="HostIp">The node's address it is open at; null for all.</param>
public sealed record CniPortMapping(byte Protocol, int HostPort, int ContainerPort, IPAddress? HostIp);

/// <summary><c>bandwidth</c>: rates in bits a second, bursts in bits; zero for no limit.</summary>
public sealed record CniBandwidth(long IngressRate, long IngressBurst, long EgressRate, long EgressBurst);
