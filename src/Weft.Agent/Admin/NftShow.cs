using Weft.Model.Nft;
using Weft.Model.Tables;
using Weft.Primitives;
using Weft.Reconcile.Nftables;

namespace Weft.Agent.Admin;

/// <summary>The compiled nft table, one row a rule or element, in the words of <c>nft</c>.</summary>
internal static class NftShow
{
    public static ShowTable Table(NftTable table)
    {
        var rows = new List<EquatableArray<string>>();
        var (kind, name) = ("", "");
        foreach (var line in NftRenderer.Render(table).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Trim()))
        {
            var words = line.Split(' ');
            if (line == "}")
                continue;
            if (words is [("map" or "set" or "chain") and var opened, var named, "{"])
                (kind, name) = (opened, named);
            else if (words[0] is not "table" && line is not "elements = {")
                rows.Add([kind, name, line.TrimEnd(',')]);
        }
        return new ShowTable("nft", ["KIND", "NAME", "CONTENT"], rows.ToEquatableArray());
    }
}
