using Weft.Model.Nft;

namespace Weft.Reconcile.Nftables;

public enum NftDifference { Missing, Extra, Changed }

/// <summary>One row of <c>weft show drift</c>: an object of the kernel's table that is not as desired.</summary>
/// <param name="Kind">table, set, map, chain, rule or element.</param>
/// <param name="Container">The set or chain that a rule or element belongs to; else the object itself.</param>
/// <param name="Item">The element's key or the rule's comment, which names its cause; empty for a table, set or chain.</param>
/// <param name="Detail">What is desired and what was found, where there is more to say.</param>
public sealed record NftDriftRow(string Table, string Kind, string Container, string Item, NftDifference Difference, string Detail);

/// <summary>Compares desired state with what the kernel holds.</summary>
public static class NftDrift
{
    internal static IReadOnlyList<NftDriftRow> Between(NftImage desired, NftImage? observed)
    {
        if (observed is null)
            return [new NftDriftRow(desired.Name, "table", desired.Name, "", NftDifference.Missing, "")];
        var rows = new List<NftDriftRow>();
        foreach (var name in Names(desired.Sets.Keys, observed.Sets.Keys))
            CompareSets(rows, desired.Name, name, desired.Sets.GetValueOrDefault(name), observed.Sets.GetValueOrDefault(name));
        foreach (var name in Names(desired.Chains.Keys, observed.Chains.Keys))
            CompareChains(rows, desired.Name, name, desired.Chains.GetValueOrDefault(name), observed.Chains.GetValueOrDefault(name));
        return rows;
    }

    private static void CompareSets(List<NftDriftRow> rows, string table, string name, NftSetImage? desired, NftSetImage? observed)
    {
        var kind = (desired ?? observed)!.IsMap ? "map" : "set";
        if (desired is null || observed is null)
        {
            rows.Add(new NftDriftRow(table, kind, name, "", desired is null ? NftDifference.Extra : NftDifference.Missing, ""));
            return;
        }
        if (desired.Comment != observed.Comment || desired.IsMap != observed.IsMap)
            rows.Add(new NftDriftRow(table, kind, name, "", NftDifference.Changed, $"desired {string.Join("; ", desired.Definition)}"));
        if (desired.Dynamic)
            return;
        foreach (var key in Names(desired.Elements.Keys, observed.Elements.Keys))
        {
            var wanted = desired.Elements.GetValueOrDefault(key);
            var found = observed.Elements.GetValueOrDefault(key);
            if (wanted is null)
                rows.Add(new NftDriftRow(table, "element", name, key, NftDifference.Extra, found!));
            else if (found is null)
                rows.Add(new NftDriftRow(table, "element", name, key, NftDifference.Missing, wanted));
            else if (wanted != found)
                rows.Add(new NftDriftRow(table, "element", name, key, NftDifference.Changed, $"desired {wanted}, found {found}"));
        }
    }

    private static void CompareChains(List<NftDriftRow> rows, string table, string name, NftChainImage? desired, NftChainImage? observed)
    {
        if (desired is null || observed is null)
        {
            rows.Add(new NftDriftRow(table, "chain", name, "", desired is null ? NftDifference.Extra : NftDifference.Missing, ""));
            return;
        }
        if (desired.Hook != observed.Hook)
            rows.Add(new NftDriftRow(table, "chain", name, "", NftDifference.Changed, $"desired {Show(desired.Hook)}, found {Show(observed.Hook)}"));
        var surplus = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var rule in observed.Rules)
            surplus[rule.Comment] = surplus.GetValueOrDefault(rule.Comment) + 1;
        var missing = new List<NftRuleText>();
        foreach (var rule in desired.Rules)
        {
            if (surplus.GetValueOrDefault(rule.Comment) > 0)
                surplus[rule.Comment]--;
            else
                missing.Add(rule);
        }
        var extra = surplus.Where(pair => pair.Value > 0).ToList();
        rows.AddRange(missing.Select(rule => new NftDriftRow(table, "rule", name, rule.Comment, NftDifference.Missing, rule.Body)));
        rows.AddRange(extra.SelectMany(pair => Enumerable.Repeat(new NftDriftRow(table, "rule", name, pair.Key, NftDifference.Extra, ""), pair.Value)));
        if (missing.Count == 0 && extra.Count == 0 && !desired.SameRules(observed))
            rows.Add(new NftDriftRow(table, "chain", name, "", NftDifference.Changed, "the rules are in another order"));
    }

    private static string Show(NftHook? hook) => hook is null ? "no hook" : NftChainImage.HookText(hook);

    private static IEnumerable<string> Names(IEnumerable<string> desired, IEnumerable<string> observed) =>
        desired.Union(observed, StringComparer.Ordinal).Order(StringComparer.Ordinal);
}
