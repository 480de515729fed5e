using System.Text;
using Weft.Model.Nft;

namespace Weft.Reconcile.Nftables;

/// <summary>
/// The least transaction that turns one table into another. Base chains stay attached; a chain with any rule changed is flushed and filled
/// again, which no packet sees half done because the kernel commits the transaction as one. Where a definition changed (a set's type, a
/// base chain's hook), which nft cannot alter in place, the whole table is replaced in one transaction instead.
/// </summary>
public static class NftDiff
{
    private static readonly IReadOnlyDictionary<string, string> NoElements = new Dictionary<string, string>();

    /// <returns>nft commands; empty when there is nothing to do.</returns>
    /// <exception cref="ArgumentException">A table cannot be said in nft; the message names the set, chain or rule.</exception>
    public static string Between(NftTable old, NftTable desired)
    {
        var image = NftImage.Of(old);
        return Between(image, NftImage.Of(desired, image)).Text;
    }

    internal static NftTransaction Between(NftImage old, NftImage desired) =>
        NeedsReplacement(old, desired)
            ? new NftTransaction(NftRenderer.Replacement(desired), Replaces: true)
            : new NftTransaction(Delta(old, desired), Replaces: false);

    private static bool NeedsReplacement(NftImage old, NftImage desired) =>
        old.Name != desired.Name
        || desired.Sets.Any(pair => old.Sets.TryGetValue(pair.Key, out var set) && (set.Comment != pair.Value.Comment || set.IsMap != pair.Value.IsMap))
        || desired.Chains.Any(pair => old.Chains.TryGetValue(pair.Key, out var chain) && chain.Hook != pair.Value.Hook);

    private static string Delta(NftImage old, NftImage desired)
    {
        var text = new StringBuilder();
        var table = desired.Name;
        var newChains = NftRenderer.InReadingOrder(desired.Chains.Where(pair => !old.Chains.ContainsKey(pair.Key))).ToList();
        var changedChains = NftRenderer.InReadingOrder(
            desired.Chains.Where(pair => old.Chains.TryGetValue(pair.Key, out var chain) && !ReferenceEquals(chain, pair.Value) && !chain.SameRules(pair.Value))).ToList();
        var goneChains = Gone(old.Chains.Keys, desired.Chains.Keys);
        var goneSets = Gone(old.Sets.Keys, desired.Sets.Keys);

        // What others refer to comes first: sets before the rules that look them up, chains before the elements and rules that go to them.
        foreach (var (name, set) in Ordered(desired.Sets).Where(pair => !old.Sets.ContainsKey(pair.Key)))
            text.Append(set.IsMap ? "add map inet " : "add set inet ").Append(table).Append(' ').Append(name).Append(" { ").AppendJoin("; ", set.Definition).Append("; }\n");
        foreach (var (name, chain) in newChains)
        {
            text.Append("add chain inet ").Append(table).Append(' ').Append(name);
            text.Append(chain.Hook is null ? "\n" : $" {{ {NftChainImage.HookText(chain.Hook)} }}\n");
        }
        foreach (var (name, _) in changedChains)
            text.Append("flush chain inet ").Append(table).Append(' ').Append(name).Append('\n');
        AppendElements(text, old, desired);
        foreach (var (name, chain) in newChains.Concat(changedChains))
        {
            foreach (var rule in chain.Rules)
                text.Append("add rule inet ").Append(table).Append(' ').Append(name).Append(' ').Append(rule).Append('\n');
        }
        // The other way round: rules, then the maps whose elements still lead to chains, then the chains.
        foreach (var name in goneChains)
            text.Append("flush chain inet ").Append(table).Append(' ').Append(name).Append('\n');
        foreach (var name in goneSets)
            text.Append(old.Sets[name].IsMap ? "delete map inet " : "delete set inet ").Append(table).Append(' ').Append(name).Append('\n');
        foreach (var name in goneChains)
            text.Append("delete chain inet ").Append(table).Append(' ').Append(name).Append('\n');
        return text.ToString();
    }

    private static void AppendElements(StringBuilder text, NftImage old, NftImage desired)
    {
        foreach (var (name, set) in Ordered(desired.Sets))
        {
            var before = old.Sets.GetValueOrDefault(name);
            // Packets fill a dynamic set; its elements are not ours to compare.
            if (ReferenceEquals(before, set) || set.Dynamic && before is not null)
                continue;
            var known = before?.Elements ?? NoElements;
            var stale = known.Where(pair => !Holds(set.Elements, pair)).ToList();
            var fresh = set.Elements.Where(pair => !Holds(known, pair)).ToList();
            Append(text, "delete", desired.Name, name, [.. stale.Select(pair => KeyValuePair.Create(pair.Key, ""))]);
            Append(text, "add", desired.Name, name, fresh);
        }
    }

    private static bool Holds(IReadOnlyDictionary<string, string> elements, KeyValuePair<string, string> element) =>
        elements.TryGetValue(element.Key, out var data) && data == element.Value;

    private static void Append(StringBuilder text, string verb, string table, string set, List<KeyValuePair<string, string>> elements)
    {
        if (elements.Count == 0)
            return;
        text.Append(verb).Append(" element inet ").Append(table).Append(' ').Append(set).Append(" {\n");
        NftRenderer.Elements(text, "  ", elements);
        text.Append("}\n");
    }

    private static IEnumerable<KeyValuePair<string, NftSetImage>> Ordered(IEnumerable<KeyValuePair<string, NftSetImage>> sets) =>
        sets.OrderBy(pair => pair.Key, StringComparer.Ordinal);

    private static List<string> Gone(IEnumerable<string> old, IEnumerable<string> desired) =>
        [.. old.Except(desired, StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}

/// <param name="Text">nft commands; empty when there is nothing to do.</param>
/// <param name="Replaces">The whole table is made anew.</param>
internal sealed record NftTransaction(string Text, bool Replaces);
