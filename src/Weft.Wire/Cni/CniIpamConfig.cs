using System.Net;
using Weft.Primitives;

namespace Weft.Wire.Cni;

/// <summary>The <c>ipam</c> of a configuration that has <c>weft-ipam</c> as its type.</summary>
/// <param name="AgentSocket">Path of the agent's Unix socket; null for the usual one.</param>
/// <param name="Pool">Name of the address pool to take from; null leaves it to the agent.</param>
/// <param name="PrefixLength">Of IPv4 addresses in the result; null for that of the range.</param>
/// <param name="PrefixLengthIPv6">Of IPv6 addresses in the result; null for that of the range.</param>
/// <param name="Gateways">At most one a family; for a family without one the agent sets an address of the range aside.</param>
/// <param name="Routes">For the result, as they are.</param>
/// <param name="Dns">For the result; null for the configuration's own.</param>
public sealed record CniIpamConfig(
    string? AgentSocket,
    string? Pool,
    int? PrefixLength,
    int? PrefixLengthIPv6,
    EquatableArray<IPAddress> Gateways,
    EquatableArray<CniRoute> Routes,
    CniDns? Dns);
