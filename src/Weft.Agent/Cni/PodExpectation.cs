using System.Net;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Agent.Cni;

/// <summary>What CHECK expects within the container.</summary>
/// <param name="Netns">Path of its network namespace.</param>
/// <param name="Mtu">Bytes.</param>
/// <param name="Addresses">All must be there; more may be.</param>
/// <param name="Gateways">Of the default routes that must be there; more may be.</param>
public sealed record PodExpectation(
    string Netns, MacAddress Mac, int Mtu, EquatableArray<IPAddress> Addresses, EquatableArray<IPAddress> Gateways);
