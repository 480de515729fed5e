using System.Text.Json;
using Weft.Kernel.Nftables;

namespace Weft.Reconcile.Tests.Nftables;

internal static class NftTestHandles
{
    /// <summary>The kernel's handle of the rule whose comment begins so.</summary>
    internal static long Of(INftables nftables, string table, string chain, string comment)
    {
        using var json = JsonDocument.Parse(nftables.ListTable(table).Json!);
        return json.RootElement.GetProperty("nftables").EnumerateArray()
            .Where(item => item.TryGetProperty("rule", out _))
            .Select(item => item.GetProperty("rule"))
            .Single(rule => rule.GetProperty("chain").ValueEquals(chain) && rule.GetProperty("comment").GetString()!.StartsWith(comment, StringComparison.Ordinal))
            .GetProperty("handle").GetInt64();
    }
}
