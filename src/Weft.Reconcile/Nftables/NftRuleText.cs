using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Weft.Model.Nft;

namespace Weft.Reconcile.Nftables;

/// <summary>A rule as nft text, with the comment that identifies it on read-back.</summary>
internal sealed record NftRuleText(string Body, string Comment)
{
    /// <summary>The kernel keeps 128 bytes of comment (NFTNL_UDATA_COMMENT_MAXLEN); this much is the cause, the rest the hash.</summary>
    private const int MostCauseBytes = 100;

    public override string ToString() => $"{Body} comment \"{Comment}\"";

    /// <summary>
    /// One rule of the model is one of nft, but for two cases. A reject is two: TCP gets a reset and everything else ICMP port unreachable. A
    /// dnat is one a transport protocol (<see cref="NftBackendMap"/>).
    /// </summary>
    /// <exception cref="ArgumentException">The rule cannot be said in nft; the message names its cause.</exception>
    internal static IEnumerable<NftRuleText> Of(NftRule rule)
    {
        if (rule.Expressions.IsEmpty)
            throw new ArgumentException($"rule of {rule.Cause} is empty");
        // In both cases the protocol is asked first, so that a counter in the rule counts each packet once.
        if (rule.Expressions.Any(expression => expression is NftDnat))
            return NftBackendMap.Protocols.Select(protocol => Make(rule, $"meta l4proto {protocol} ", "", protocol));
        if (rule.Expressions[^1] is not NftVerdictStatement { Verdict.Kind: NftVerdictKind.Reject })
            return [Make(rule, "", "")];
        return [Make(rule, "meta l4proto tcp ", "reject with tcp reset"), Make(rule, "", "reject with icmpx type port-unreachable")];
    }

    private static NftRuleText Make(NftRule rule, string prefix, string reject, string protocol = "")
    {
        var text = new StringBuilder(prefix);
        for (var i = 0; i < rule.Expressions.Count; i++)
        {
            if (i > 0)
                text.Append(' ');
            var expression = rule.Expressions[i];
            if (expression is NftVerdictStatement && i < rule.Expressions.Count - 1)
                throw new ArgumentException($"rule of {rule.Cause}: a verdict must be the last expression, found at {i} of {rule.Expressions.Count}");
            text.Append(expression is NftVerdictStatement { Verdict.Kind: NftVerdictKind.Reject } ? reject : Expression(expression, protocol));
        }
        var body = text.ToString();
        return new NftRuleText(body, $"{Cause(rule.Cause)} #{NftSyntax.Hash($"{body}\n{rule.Cause}")}");
    }

    private static string Expression(NftExpression expression, string protocol) => expression switch
    {
        NftMatch match => $"{NftSyntax.Field(match.Field)} {(match.Not ? "!= " : "")}{Constant(match.Value)}",
        NftMarkMatch match => $"meta mark & {Mark(match.Mask)} == {Mark(match.Value)}",
        NftLookup lookup => $"{NftSyntax.Fields(lookup.Fields)} {(lookup.Not ? "!= " : "")}@{NftSyntax.Name("set", lookup.Set)}",
        NftVerdictMap map => $"{NftSyntax.Fields(map.Fields)} vmap @{NftSyntax.Name("map", map.Map)}",
        NftCtStateMatch match => $"ct state {States(match.States)}",
        NftCtStatusDnat => "ct status dnat",
        NftDestinationIsLocal local => local.Not ? "fib daddr type != local" : "fib daddr type local",
        NftFamilyMatch family => family.IPv6 ? "meta nfproto ipv6" : "meta nfproto ipv4",
        NftSetMark mark => SetMark(mark),
        NftSnat snat => $"snat {(snat.Address.AddressFamily == AddressFamily.InterNetworkV6 ? "ip6" : "ip")} to {snat.Address} fully-random",
        NftDnat dnat => Dnat(dnat, protocol),
        NftMasquerade => "masquerade fully-random",
        NftCounter => "counter",
        NftVerdictStatement statement => NftSyntax.Verdict(statement.Verdict),
        _ => throw new ArgumentException($"no nft text for an expression of type {expression.GetType().Name}"),
    };

    private static string Constant(NftValue value)
    {
        var text = new StringBuilder();
        NftSyntax.Append(text, value);
        return text.ToString();
    }

    private static string Dnat(NftDnat dnat, string protocol)
    {
        if (dnat.Count < 1)
            throw new ArgumentException($"dnat through map {dnat.Map} over {dnat.Count} backends: at least one is needed");
        var key = string.Concat(dnat.Fields.Select(field => $"{NftSyntax.Field(field)} . "));
        var source = dnat.IPv6 ? "ip6 saddr" : "ip saddr";
        var index = dnat.BySource ? $"jhash {source} mod {dnat.Count} seed 0x77656674" : $"numgen random mod {dnat.Count}";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"dnat {(dnat.IPv6 ? "ip6" : "ip")} to {key}{index} map @{NftSyntax.Name("map", NftBackendMap.PartName(dnat.Map, protocol))}");
    }

    private static string SetMark(NftSetMark mark)
    {
        if ((mark.Value & ~mark.Mask) != 0)
            throw new ArgumentException($"mark value {Mark(mark.Value)} has bits outside its mask {Mark(mark.Mask)}");
        if (mark.Mask == uint.MaxValue)
            return $"meta mark set {Mark(mark.Value)}";
        if (mark.Mask == mark.Value)
            return $"meta mark set meta mark | {Mark(mark.Value)}";
        return mark.Value == 0
            ? $"meta mark set meta mark & {Mark(~mark.Mask)}"
            : $"meta mark set meta mark & {Mark(~mark.Mask)} | {Mark(mark.Value)}";
    }

    private static string States(NftCtState states)
    {
        var names = new List<string>(4);
        if (states.HasFlag(NftCtState.New))
            names.Add("new");
        if (states.HasFlag(NftCtState.Established))
            names.Add("established");
        if (states.HasFlag(NftCtState.Related))
            names.Add("related");
        if (states.HasFlag(NftCtState.Invalid))
            names.Add("invalid");
        return names.Count > 0 ? string.Join(',', names) : throw new ArgumentException("a match on connection states names no state");
    }

    private static string Mark(uint mark) => $"0x{mark:x8}";

    // nft strings know no escapes, so what would end the string or the line is replaced.
    private static string Cause(string cause)
    {
        var text = new StringBuilder(cause.Length);
        var bytes = 0;
        foreach (var rune in cause.EnumerateRunes())
        {
            var shown = rune.Value == '"' ? new Rune('\'') : rune.Value < ' ' ? new Rune(' ') : rune;
            bytes += shown.Utf8SequenceLength;
            if (bytes > MostCauseBytes)
                break;
            text.Append(shown);
        }
        return text.ToString();
    }
}
