using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Compile.Tables;

/// <summary>Puts the features' parts together into the one table, in a canonical order.</summary>
internal static class TableAssembler
{
    public static NftTable Assemble(string name, IReadOnlyList<NftParts> features)
    {
        var sets = features.SelectMany(f => f.Sets).OrderBy(s => s.Name, StringComparer.Ordinal);
        var chains = features.SelectMany(f => f.Chains).OrderBy(c => c.Name, StringComparer.Ordinal);
        NftChain[] hooks =
        [
            Hook("nat-prerouting", NftChainType.Nat, NftHookPoint.Prerouting, -100, f => f.NatPrerouting),
            Hook("nat-output", NftChainType.Nat, NftHookPoint.Output, -100, f => f.NatOutput),
            Hook("filter-input", NftChainType.Filter, NftHookPoint.Input, 0, f => f.Input),
            Hook("filter-forward", NftChainType.Filter, NftHookPoint.Forward, 0, f => f.Forward),
            Hook("filter-output", NftChainType.Filter, NftHookPoint.Output, 0, f => f.Output),
            Hook("nat-postrouting", NftChainType.Nat, NftHookPoint.Postrouting, 100, f => f.NatPostrouting),
        ];
        return new NftTable(name, sets.ToEquatableArray(), hooks.Concat(chains).ToEquatableArray());

        NftChain Hook(string chain, NftChainType type, NftHookPoint point, int priority, Func<NftParts, List<NftRule>> rules) =>
            new(chain, new NftHook(type, point, priority), features.SelectMany(rules).ToEquatableArray());
    }
}
