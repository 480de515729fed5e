using Weft.Model.Nft;
using Weft.Model.Routing;

namespace Weft.Model;

/// <summary>Everything that Weft wants of one node's kernel, as data: what the compilers make and the reconcilers apply.</summary>
public sealed record DesiredState(RoutingState Routing, NftTable Nft);
