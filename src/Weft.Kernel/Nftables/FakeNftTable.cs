using System.Text;
using System.Text.RegularExpressions;

namespace Weft.Kernel.Nftables;

/// <summary>A set or map of the fake.</summary>
internal sealed record FakeNftSet(bool IsMap, string[] Key, string[] Data, bool Interval, bool Dynamic, string? Comment, string Definition)
{
    public Dictionary<string, string> Elements { get; init; } = new(StringComparer.Ordinal);

    /// <summary>The protocol of the port in a <c>typeof</c> map's data; null where the map is declared with <c>type</c>.</summary>
    public string? PortProtocol { get; init; }
}

/// <summary>A chain of the fake; <see cref="Hook"/> is null for one that is only jumped to.</summary>
internal sealed record FakeNftChain(FakeNftHook? Hook)
{
    public List<FakeNftRule> Rules { get; init; } = [];
}

internal sealed record FakeNftHook(string Type, string Point, int Priority, string Policy);

internal sealed record FakeNftRule(string Body, string? Comment);

/// <summary>A table of the fake, with the checks that the kernel makes.</summary>
internal sealed partial class FakeNftTable
{
    // NFT_JUMP_STACK_SIZE, include/net/netfilter/nf_tables.h
    private const int MostJumps = 16;

    private const string Field =
        @"(?:ip6? [sd]addr|meta l4proto|th [sd]port|meta mark|[io]ifname|ct original ip6? daddr|numgen random mod \d+|jhash ip6? saddr mod \d+ seed 0x[0-9a-f]+)";

    public Dictionary<string, FakeNftSet> Sets { get; init; } = new(StringComparer.Ordinal);

    public Dictionary<string, FakeNftChain> Chains { get; init; } = new(StringComparer.Ordinal);

    public FakeNftTable Clone() => new()
    {
        Sets = Sets.ToDictionary(p => p.Key, p => p.Value with { Elements = new(p.Value.Elements, StringComparer.Ordinal) }, StringComparer.Ordinal),
        Chains = Chains.ToDictionary(p => p.Key, p => p.Value with { Rules = [.. p.Value.Rules] }, StringComparer.Ordinal),
    };

    public FakeNftSet Set(string name) =>
        Sets.GetValueOrDefault(name) ?? throw new FakeNftException($"No such file or directory: set {name}");

    public FakeNftChain Chain(string name) =>
        Chains.GetValueOrDefault(name) ?? throw new FakeNftException($"No such file or directory: chain {name}");

    public void AddSet(string name, FakeNftSet set)
    {
        if (!Sets.TryAdd(name, set) && Sets[name].Definition != set.Definition)
            throw new FakeNftException($"File exists: set {name} with another definition");
    }

    public void AddChain(string name, FakeNftHook? hook)
    {
        if (!Chains.TryAdd(name, new FakeNftChain(hook)) && hook is not null && Chains[name].Hook != hook)
            throw new FakeNftException($"Device or resource busy: chain {name} has another hook");
    }

    public void AddElement(string name, string key, string data)
    {
        var set = Set(name);
        FakeNftValues.Check(key, set.Key, set.Interval);
        if (set.IsMap != (data.Length > 0))
            throw new FakeNftException($"element {key} of {name}: {(set.IsMap ? "a map's element needs data" : "a set's element has no data")}");
        if (set.Data is ["verdict"])
            CheckVerdict(data);
        else if (set.IsMap)
            FakeNftValues.Check(data, set.Data, interval: false);
        if (set.Elements.TryGetValue(key, out var present))
        {
            if (present != data)
                throw new FakeNftException($"File exists: element {key} of {name} has other data");
            return;
        }
        if (set.Interval && set.Elements.Keys.FirstOrDefault(other => FakeNftValues.Overlap(key, other)) is { } overlapped)
            throw new FakeNftException($"conflicting intervals: element {key} of {name} overlaps {overlapped}");
        set.Elements.Add(key, data);
    }

    public void DeleteElement(string name, string key)
    {
        if (!Set(name).Elements.Remove(key))
            throw new FakeNftException($"No such file or directory: element {key} of {name}");
    }

    public void AddRule(string chain, FakeNftRule rule)
    {
        foreach (Match match in Lookup().Matches(rule.Body))
        {
            var set = Set(match.Groups["set"].Value);
            var types = match.Groups["fields"].Value.Split(" . ").Select(FakeNftValues.TypeOf).ToArray();
            if (!types.SequenceEqual(set.Key))
                throw new FakeNftException($"datatype mismatch: {match.Value} looks ({string.Join(", ", types)}) up, the key is ({string.Join(", ", set.Key)})");
            if ((match.Groups["how"].Value, set.Data) is not (("vmap", ["verdict"]) or ("map", [not "verdict", ..]) or ("", [])))
                throw new FakeNftException($"{match.Value}: {match.Groups["set"].Value} is not of that kind");
            CheckPort(rule, match.Groups["how"].Value, set);
        }
        if (Reference().Count(rule.Body) != Lookup().Count(rule.Body))
            throw new FakeNftException($"syntax error in lookup: {rule.Body}");
        if (Jump().Match(rule.Body) is { Success: true } jump)
            Chain(jump.Groups["chain"].Value);
        Chain(chain).Rules.Add(rule);
    }

    // libnftables evaluates the data's typeof as if the rule contained it (evaluate.c, stmt_evaluate_nat_map).
    private static void CheckPort(FakeNftRule rule, string how, FakeNftSet set)
    {
        if (how == "map" && set.PortProtocol is { } protocol && !rule.Body.StartsWith($"meta l4proto {protocol} ", StringComparison.Ordinal))
            throw new FakeNftException($"conflicting protocols specified: the map's port is of {protocol}: {rule.Body}");
    }

    public void DeleteSet(string name)
    {
        Set(name);
        if (Chains.Any(chain => chain.Value.Rules.Any(rule => Reference().Matches(rule.Body).Any(match => match.Groups["set"].Value == name))))
            throw new FakeNftException($"Device or resource busy: a rule looks {name} up");
        Sets.Remove(name);
    }

    public void DeleteChain(string name)
    {
        Chain(name);
        if (Chains.Any(chain => chain.Key != name && chain.Value.Rules.Any(rule => Jump().Match(rule.Body).Groups["chain"].Value == name)))
            throw new FakeNftException($"Device or resource busy: a rule leads to chain {name}");
        if (Sets.FirstOrDefault(set => set.Value.Elements.Values.Any(data => Jump().Match(data).Groups["chain"].Value == name)) is { Value: not null } holder)
            throw new FakeNftException($"Device or resource busy: an element of {holder.Key} leads to chain {name}");
        Chains.Remove(name);
    }

    /// <summary>What nft_chain_validate does: walks every way a packet can go.</summary>
    public void ValidateChains()
    {
        foreach (var (name, chain) in Chains)
        {
            if (chain.Hook is not null)
                Walk(name, chain.Hook, [], new HashSet<string>(StringComparer.Ordinal));
        }
    }

    private void Walk(string name, FakeNftHook hook, List<string> path, HashSet<string> done)
    {
        if (path.Contains(name))
            throw new FakeNftException($"Too many links: chains loop through {name}");
        if (path.Count > MostJumps)
            throw new FakeNftException($"Too many links: {string.Join(" > ", path)}");
        if (!done.Add(name))
            return;
        path.Add(name);
        foreach (var rule in Chain(name).Rules)
        {
            CheckContext(rule, hook);
            if (Jump().Match(rule.Body) is { Success: true } jump)
                Walk(jump.Groups["chain"].Value, hook, path, done);
            foreach (Match map in Lookup().Matches(rule.Body).Where(match => match.Groups["how"].Value == "vmap"))
            {
                foreach (var data in Set(map.Groups["set"].Value).Elements.Values.Distinct())
                {
                    if (Jump().Match(data) is { Success: true } target)
                        Walk(target.Groups["chain"].Value, hook, path, done);
                }
            }
        }
        path.RemoveAt(path.Count - 1);
    }

    // nft_nat_validate, nft_masq_validate, nft_reject_validate
    private static void CheckContext(FakeNftRule rule, FakeNftHook hook)
    {
        var statement = Statement().Match(rule.Body).Value.Trim();
        var fits = statement switch
        {
            "dnat" => hook is { Type: "nat", Point: "prerouting" or "output" },
            "snat" => hook is { Type: "nat", Point: "postrouting" or "input" },
            "masquerade" => hook is { Type: "nat", Point: "postrouting" },
            "reject" => hook is { Type: "filter", Point: "prerouting" or "input" or "forward" or "output" },
            _ => true,
        };
        if (!fits)
            throw new FakeNftException($"Operation not supported: {statement} reached from the {hook.Type} {hook.Point} hook: {rule.Body}");
    }

    public string Dump()
    {
        var text = new StringBuilder();
        foreach (var (name, set) in Sets.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            text.Append($"  {(set.IsMap ? "map" : "set")} {name} {set.Definition} comment {set.Comment}\n");
            foreach (var (key, data) in set.Elements.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                text.Append($"    {key}{(data.Length > 0 ? " : " : "")}{data}\n");
        }
        foreach (var (name, chain) in Chains.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            text.Append($"  chain {name} {chain.Hook}\n");
            foreach (var rule in chain.Rules)
                text.Append($"    {rule.Body} # {rule.Comment}\n");
        }
        return text.ToString();
    }

    private void CheckVerdict(string data)
    {
        if (Jump().Match(data) is { Success: true } jump)
            Chain(jump.Groups["chain"].Value);
        else if (data is not ("accept" or "drop" or "return"))
            throw new FakeNftException($"'{data}' is no verdict that an element can hold");
    }

    [GeneratedRegex($@"(?<fields>{Field}(?: \. {Field})*)(?: (?<how>vmap|map)| !=)? @(?<set>\S+)")]
    private static partial Regex Lookup();

    [GeneratedRegex(@" @(?<set>\S+)")]
    private static partial Regex Reference();

    [GeneratedRegex(@"(?:^| )(?:jump|goto) (?<chain>\S+)$")]
    private static partial Regex Jump();

    [GeneratedRegex(@"(?<!ct status)(?:^| )(?:dnat|snat|masquerade|reject)(?= |$)")]
    private static partial Regex Statement();
}
