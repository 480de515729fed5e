using System.Text;
using Weft.Model.Nft;

namespace Weft.Reconcile.Nftables;

/// <summary>
/// Desired state as nft text: what <c>nft -f</c> takes and what golden files hold. The same table always gives the same text, whatever the
/// order of its sets, elements and chains.
/// </summary>
public static class NftRenderer
{
    /// <summary>The table as one block, to be loaded where there is none of its name.</summary>
    /// <exception cref="ArgumentException">The table cannot be said in nft; the message names the set, chain or rule.</exception>
    public static string Render(NftTable table) => Block(NftImage.Of(table));

    /// <summary>One transaction that puts the table in place of whatever has its name. Connection tracking keeps what it knows.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Render"/>.</exception>
    public static string RenderReplacement(NftTable table) => Replacement(NftImage.Of(table));

    // 'add' first: deleting a table that is not there would fail, and 'destroy' is newer than Debian 12's nft.
    internal static string Replacement(NftImage table) =>
        $"add table inet {table.Name}\ndelete table inet {table.Name}\n{Block(table)}";

    internal static string Block(NftImage table)
    {
        var text = new StringBuilder(4096);
        text.Append("table inet ").Append(table.Name).Append(" {\n");
        foreach (var (name, set) in table.Sets.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            text.Append(set.IsMap ? "  map " : "  set ").Append(name).Append(" {\n");
            foreach (var line in set.Definition)
                text.Append("    ").Append(line).Append('\n');
            if (set.Elements.Count > 0)
            {
                text.Append("    elements = {\n");
                Elements(text, "      ", set.Elements);
                text.Append("    }\n");
            }
            text.Append("  }\n\n");
        }
        foreach (var (name, chain) in InReadingOrder(table.Chains))
        {
            text.Append("  chain ").Append(name).Append(" {\n");
            if (chain.Hook is not null)
                text.Append("    ").Append(NftChainImage.HookText(chain.Hook)).Append('\n');
            foreach (var rule in chain.Rules)
                text.Append("    ").Append(rule.Body).Append(" comment \"").Append(rule.Comment).Append("\"\n");
            text.Append("  }\n\n");
        }
        if (text[^2] == '\n')
            text.Length--;
        return text.Append("}\n").ToString();
    }

    /// <summary>Base chains in the order in which a packet meets them, then the others by name.</summary>
    internal static IEnumerable<KeyValuePair<string, NftChainImage>> InReadingOrder(IEnumerable<KeyValuePair<string, NftChainImage>> chains) =>
        chains.OrderBy(pair => pair.Value.Hook is { } hook ? (int)hook.Point : int.MaxValue)
            .ThenBy(pair => pair.Value.Hook?.Priority ?? 0)
            .ThenBy(pair => pair.Key, StringComparer.Ordinal);

    // One element a line: an error then names the element, and a golden file's difference shows it.
    internal static void Elements(StringBuilder text, string indent, IEnumerable<KeyValuePair<string, string>> elements)
    {
        foreach (var (key, data) in elements.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            text.Append(indent).Append(key);
            if (data.Length > 0)
                text.Append(" : ").Append(data);
            text.Append(",\n");
        }
        text.Length -= 2;
        text.Append('\n');
    }
}
