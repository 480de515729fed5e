using System.Globalization;
using Weft.Model.Nft;

namespace Weft.Reconcile.Nftables;

/// <summary>
/// A table in the form that desired and observed are compared in: definitions, elements and rules as text. Made from an
/// <see cref="NftTable"/> or read back from the kernel (<see cref="NftReadBack"/>).
/// </summary>
internal sealed record NftImage(string Name, IReadOnlyDictionary<string, NftSetImage> Sets, IReadOnlyDictionary<string, NftChainImage> Chains)
{
    /// <summary>Keeps the text of sets that <paramref name="previous"/> already has: most passes change few of them.</summary>
    /// <exception cref="ArgumentException">The table cannot be said in nft; the message names the set, chain or rule.</exception>
    internal static NftImage Of(NftTable table, NftImage? previous = null)
    {
        NftSyntax.Name("table", table.Name);
        var sets = new Dictionary<string, NftSetImage>(table.Sets.Count, StringComparer.Ordinal);
        foreach (var set in table.Sets)
        {
            foreach (var part in NftBackendMap.Split(set))
            {
                var name = NftSyntax.Name("set", part.Name);
                var before = previous?.Sets.GetValueOrDefault(name);
                var image = before is { Source: { } source } same && source.Equals(part) ? same : NftSetImage.Of(part, before);
                if (!sets.TryAdd(name, image))
                    throw new ArgumentException($"table {table.Name} has two sets named {name}");
            }
        }
        var chains = new Dictionary<string, NftChainImage>(table.Chains.Count, StringComparer.Ordinal);
        foreach (var chain in table.Chains)
        {
            var image = previous?.Chains.GetValueOrDefault(chain.Name) is { Source: { } source } same && source.Equals(chain)
                ? same
                : NftChainImage.Of(chain);
            if (!chains.TryAdd(NftSyntax.Name("chain", chain.Name), image))
                throw new ArgumentException($"table {table.Name} has two chains named {chain.Name}");
        }
        return new NftImage(table.Name, sets, chains);
    }
}

/// <summary>A set or map. <see cref="Comment"/> is the hash of its definition, which the kernel keeps with it.</summary>
internal sealed record NftSetImage(bool IsMap, string Comment, bool Dynamic, IReadOnlyDictionary<string, string> Elements)
{
    /// <summary>The lines between the braces but for elements; empty when read back.</summary>
    internal IReadOnlyList<string> Definition { get; private init; } = [];

    internal NftSet? Source { get; private init; }

    /// <summary>Key and data of each element of <see cref="Source"/>, in its order.</summary>
    private IReadOnlyList<(string Key, string Data)> Texts { get; init; } = [];

    /// <param name="previous">The set as it was: elements that are the same objects keep their text.</param>
    internal static NftSetImage Of(NftSet set, NftSetImage? previous = null)
    {
        try
        {
            var definition = Define(set);
            var elements = new Dictionary<string, string>(set.Elements.Count, StringComparer.Ordinal);
            var texts = new (string Key, string Data)[set.Elements.Count];
            var known = new KnownTexts(previous);
            for (var i = 0; i < texts.Length; i++)
            {
                var (key, data) = texts[i] = known.Find(set.Elements[i]) ?? Checked(set, set.Elements[i]);
                if (!elements.TryAdd(key, data) && elements[key] != data)
                    throw new ArgumentException($"element {key} leads to both '{elements[key]}' and '{data}'");
            }
            var comment = $"#{NftSyntax.Hash(string.Join('\n', definition))}";
            return new NftSetImage(!set.Data.IsEmpty, comment, set.Dynamic, elements)
            {
                Definition = [.. definition, $"comment \"{comment}\""],
                Source = set,
                Texts = texts,
            };
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"set {set.Name}: {e.Message}", e);
        }
    }

    /// <summary>
    /// Looks up the texts of a set's elements in those that it had before, both in their order: what was inserted or has gone shifts the two
    /// against each other by little.
    /// </summary>
    private struct KnownTexts(NftSetImage? previous)
    {
        private const int Reach = 8;
        private int _at;

        internal (string Key, string Data)? Find(NftElement element)
        {
            if (previous?.Source is not { } source)
                return null;
            for (var i = _at; i < Math.Min(_at + Reach, source.Elements.Count); i++)
            {
                if (!ReferenceEquals(source.Elements[i], element))
                    continue;
                _at = i + 1;
                return previous.Texts[i];
            }
            return null;
        }
    }

    private static (string Key, string Data) Checked(NftSet set, NftElement element)
    {
        if (element.Key.Count != set.Key.Count)
            throw new ArgumentException($"element {NftSyntax.Concatenation(element.Key)} has {element.Key.Count} fields, the key {set.Key.Count}");
        var (key, data) = NftSyntax.Element(element);
        if (set.Data.IsEmpty != (data.Length == 0))
            throw new ArgumentException($"element {key} has {(data.Length == 0 ? "no data, but this is a map" : "data, but this is no map")}");
        return (key, data);
    }

    private static List<string> Define(NftSet set)
    {
        if (set.Key.IsEmpty)
            throw new ArgumentException("the key has no field");
        var generic = set.Key.Concat(set.Data).Contains(NftType.Numgen);
        Func<NftType, string> name = generic ? NftSyntax.TypeOf : NftSyntax.Type;
        Func<NftType, string> data = type => generic && type == NftType.InetService ? NftBackendMap.PortExpression(set.Name) : name(type);
        var type = $"{(generic ? "typeof" : "type")} {string.Join(" . ", set.Key.Select(name))}";
        if (!set.Data.IsEmpty)
            type += $" : {string.Join(" . ", set.Data.Select(data))}";
        var lines = new List<string> { type };
        var flags = new List<string>();
        if (set.Interval)
            flags.Add("interval");
        if (set.Dynamic)
            flags.Add("dynamic");
        if (set.TimeoutSeconds is not null)
            flags.Add("timeout");
        if (flags.Count > 0)
            lines.Add($"flags {string.Join(',', flags)}");
        if (set.TimeoutSeconds is { } seconds)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"timeout {seconds}s"));
        // A set that packets fill needs a bound (nft(8), SETS): it is memory that a sender of packets chooses to use.
        if (set.Dynamic)
            lines.Add("size 65536");
        return lines;
    }
}

/// <summary>A chain. <see cref="Hook"/> is null for one that is only jumped to.</summary>
internal sealed record NftChainImage(NftHook? Hook, IReadOnlyList<NftRuleText> Rules)
{
    internal NftChain? Source { get; private init; }

    internal static NftChainImage Of(NftChain chain)
    {
        try
        {
            return new NftChainImage(chain.Hook, [.. chain.Rules.SelectMany(NftRuleText.Of)]) { Source = chain };
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"chain {chain.Name}: {e.Message}", e);
        }
    }

    /// <summary>Bodies cannot be read back as written, but the comment holds their hash.</summary>
    internal bool SameRules(NftChainImage other)
    {
        if (Rules.Count != other.Rules.Count)
            return false;
        for (var i = 0; i < Rules.Count; i++)
        {
            if (Rules[i].Comment != other.Rules[i].Comment)
                return false;
        }
        return true;
    }

    internal static string HookText(NftHook hook)
    {
        var type = hook.Type switch
        {
            NftChainType.Filter => "filter",
            NftChainType.Nat => "nat",
            NftChainType.Route => "route",
            _ => throw new ArgumentException($"no nft text for chain type {hook.Type}"),
        };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"type {type} hook {HookPoint(hook.Point)} priority {hook.Priority}; policy {(hook.PolicyDrop ? "drop" : "accept")};");
    }

    internal static string HookPoint(NftHookPoint point) => point switch
    {
        NftHookPoint.Prerouting => "prerouting",
        NftHookPoint.Input => "input",
        NftHookPoint.Forward => "forward",
        NftHookPoint.Output => "output",
        NftHookPoint.Postrouting => "postrouting",
        _ => throw new ArgumentException($"no nft text for hook {point}"),
    };
}
