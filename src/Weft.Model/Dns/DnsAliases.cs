using System.Net;
using Weft.Primitives;

namespace Weft.Model.Dns;

/// <summary>
/// Names that containers of one network have for each other (CNI CONVENTIONS.md, "aliases"). Only who is on the network is told.
/// </summary>
/// <param name="Network">The network's name, in lower case.</param>
/// <param name="Members">Addresses of its containers on this node.</param>
/// <param name="Names">Aliases, each in lower case and one label, with the addresses of all containers that have it.</param>
public sealed record DnsAliases(string Network, EquatableArray<IPAddress> Members, EquatableArray<DnsRecordSet> Names);
