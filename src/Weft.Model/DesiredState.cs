using Weft.Model.Nft;
using Weft.Model.Routing;
using Weft.Primitives;

namespace Weft.Model;

/// <summary>
/// Everything that Weft wants of one node's kernel, as data: what the compilers make and the reconcilers apply.
/// <paramref name="Diagnostics"/> are what the compilers had to leave out, and why.
/// </summary>
public sealed record DesiredState(RoutingState Routing, NftTable Nft, EquatableArray<Diagnostic> Diagnostics = default);
