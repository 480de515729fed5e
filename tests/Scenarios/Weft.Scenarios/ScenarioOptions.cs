namespace Weft.Scenarios;

/// <summary>Which lab a scenario wants: the optional first lines of its cluster.yaml, <c># nodes: 2</c> and <c># ip-family: dual</c>.</summary>
/// <param name="Nodes">How many nodes, named node1, node2 and on.</param>
/// <param name="IPv4">Whether pods have IPv4 addresses.</param>
/// <param name="IPv6">Whether pods have IPv6 addresses.</param>
public sealed record ScenarioOptions(int Nodes, bool IPv4, bool IPv6)
{
    public static ScenarioOptions Read(string yaml)
    {
        var options = new ScenarioOptions(3, true, false);
        foreach (var line in yaml.Split('\n').TakeWhile(l => l.StartsWith('#')))
        {
            var parts = line[1..].Split(':', StringSplitOptions.TrimEntries);
            options = (parts[0], parts.ElementAtOrDefault(1)) switch
            {
                ("nodes", { } count) => options with { Nodes = int.Parse(count, System.Globalization.CultureInfo.InvariantCulture) },
                ("ip-family", "ipv4") => options,
                ("ip-family", "ipv6") => options with { IPv4 = false, IPv6 = true },
                ("ip-family", "dual") => options with { IPv6 = true },
                ("ip-family", var other) => throw new FormatException($"ip-family is '{other}'; write ipv4, ipv6 or dual"),
                _ => options,
            };
        }
        return options;
    }
}
