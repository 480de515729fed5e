using Lab.Tests.Support;

namespace Runtimes.Tests.Support;

/// <summary>What of containers' networks is on a machine: links, routes, neighbors, addresses held, and rules that name an address.</summary>
internal static class Leftovers
{
    /// <summary>Waits until nothing is left of any container, in the kernel and in the agent's books.</summary>
    public static async Task NoneAsync(Machine machine)
    {
        await Eventually.NoneAsync(async () => await machine.Agent.MetricAsync("weft_attachments") is "0" ? null : "the agent still has attachments: " + machine.Log("weft-agent"));
        await Eventually.NoneAsync(async () => await OfAsync(machine) is { Length: > 0 } left ? left : null);
    }

    public static async Task<string> OfAsync(Machine machine)
    {
        var links = (await machine.RunAsync("ip", "-o", "link", "show", "type", "veth")).OrFail().Split('\n').Where(l => l.Length > 0 && !l.Contains("eth0", StringComparison.Ordinal));
        var routes = (await machine.RunAsync("ip", "-o", "route", "show", "table", "all")).OrFail().Split('\n').Where(l => IsPod(l) && !l.StartsWith("blackhole", StringComparison.Ordinal) && !l.StartsWith("unreachable", StringComparison.Ordinal));
        var neighbors = (await machine.RunAsync("ip", "-o", "neighbor", "show", "nud", "permanent")).OrFail().Split('\n').Where(IsPod);
        var rules = (await machine.RunAsync("nft", "list", "table", "inet", "weft")).OrFail().Split('\n').Where(IsPod);
        return string.Join('\n', links.Concat(routes).Concat(neighbors).Concat(rules));
    }

    // An address of the node's range with a last byte that pods get; the range's own prefix and first address are the node's.
    private static bool IsPod(string line) => System.Text.RegularExpressions.Regex.IsMatch(line, @"\b10\.244\.7\.(?!0\b)\d+\b(?!/24)");
}
