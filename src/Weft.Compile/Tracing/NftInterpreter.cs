using System.Collections.Immutable;
using System.Net;
using Weft.Model.Nft;
using Weft.Primitives;

namespace Weft.Compile.Tracing;

/// <summary>How a packet came out of a hook.</summary>
internal enum HookVerdict { Continue, Accept, Drop, Reject }

/// <summary>One way through a hook. <paramref name="Causes"/> are those of the rules that decided or changed something.</summary>
internal sealed record HookResult(HookVerdict Verdict, TracePacket Packet, ImmutableList<string> Causes);

/// <summary>What rules ask of the node rather than of the packet.</summary>
internal interface INodeFacts
{
    bool IsLocal(IPAddress address);

    /// <summary>The address that masquerading takes on a device; null when there is none, for which the kernel drops the packet.</summary>
    IPAddress? MasqueradeAddress(string link, bool ipv6);
}

/// <summary>
/// Walks the first packet of a connection through a table. Where the kernel would pick a backend at random, every choice is followed.
/// </summary>
internal sealed class NftInterpreter
{
    private readonly Dictionary<string, NftChain> _chains = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NftSetIndex> _sets = new(StringComparer.Ordinal);
    private readonly ILookup<(NftHookPoint, NftChainType), NftChain> _hooks;
    private readonly INodeFacts _facts;

    public NftInterpreter(NftTable table, INodeFacts facts)
    {
        _facts = facts;
        foreach (var chain in table.Chains)
            _chains.Add(chain.Name, chain);
        foreach (var set in table.Sets)
            _sets.Add(set.Name, new NftSetIndex(set));
        _hooks = table.Chains.Where(c => c.Hook is not null)
            .OrderBy(c => c.Hook!.Priority)
            .ToLookup(c => (c.Hook!.Point, c.Hook.Type));
    }

    /// <summary>Every way through the base chains of one type at a hook.</summary>
    public IReadOnlyList<HookResult> Run(NftHookPoint point, NftChainType type, TracePacket packet)
    {
        IReadOnlyList<HookResult> results = [new HookResult(HookVerdict.Continue, packet, [])];
        foreach (var chain in _hooks[(point, type)])
        {
            // Accept ends one base chain only; the next one at the hook still sees the packet. A translation is done once.
            results = [.. results.SelectMany(r => r.Verdict is HookVerdict.Drop or HookVerdict.Reject || type == NftChainType.Nat && r.Verdict == HookVerdict.Accept
                ? [r]
                : Chain(chain, 0, r.Packet, r.Causes).Select(x => x.Verdict == HookVerdict.Continue && chain.Hook!.PolicyDrop
                    ? x with { Verdict = HookVerdict.Drop, Causes = x.Causes.Add($"policy of chain {chain.Name}") }
                    : x))];
        }
        return results;
    }

    private IEnumerable<HookResult> Chain(NftChain chain, int from, TracePacket packet, ImmutableList<string> causes)
    {
        for (var i = from; i < chain.Rules.Count; i++)
        {
            var rule = chain.Rules[i];
            if (Rule(rule, packet) is not { } step)
                continue;
            if (step.Packet != packet || step.Verdict is not null || step.Choices is not null)
                causes = causes.Add(rule.Cause);
            packet = step.Packet;
            if (step.Choices is { } choices)
                return choices.Select(p => new HookResult(HookVerdict.Accept, p, causes));
            switch (step.Verdict)
            {
                case null:
                    continue;
                case { Kind: NftVerdictKind.Accept }:
                    return [new HookResult(HookVerdict.Accept, packet, causes)];
                case { Kind: NftVerdictKind.Drop }:
                    return [new HookResult(HookVerdict.Drop, packet, causes)];
                case { Kind: NftVerdictKind.Reject }:
                    return [new HookResult(HookVerdict.Reject, packet, causes)];
                case { Kind: NftVerdictKind.Return }:
                    return [new HookResult(HookVerdict.Continue, packet, causes)];
                case { Kind: NftVerdictKind.Goto, Chain: { } target }:
                    return Chain(_chains[target], 0, packet, causes);
                case { Kind: NftVerdictKind.Jump, Chain: { } target }:
                    var next = i + 1;
                    return Chain(_chains[target], 0, packet, causes).SelectMany(r =>
                        r.Verdict == HookVerdict.Continue ? Chain(chain, next, r.Packet, r.Causes) : [r]);
                default:
                    throw new InvalidOperationException($"rule '{rule.Cause}' of chain {chain.Name} has a verdict without a chain");
            }
        }
        return [new HookResult(HookVerdict.Continue, packet, causes)];
    }

    private sealed record Step(TracePacket Packet, NftVerdict? Verdict = null, IReadOnlyList<TracePacket>? Choices = null);

    /// <summary>Null when an expression does not match.</summary>
    private Step? Rule(NftRule rule, TracePacket packet)
    {
        foreach (var expression in rule.Expressions)
        {
            switch (expression)
            {
                case NftSetMark mark:
                    packet = packet with { Mark = packet.Mark & ~mark.Mask | mark.Value };
                    break;
                case NftVerdictStatement statement:
                    return new Step(packet, statement.Verdict);
                case NftVerdictMap map:
                    if (Key(map.Fields, packet) is not { } key || _sets[map.Map].Find(key)?.Verdict is not { } verdict)
                        return null;
                    return new Step(packet, verdict);
                case NftDnat dnat:
                    return Backends(dnat, packet) is { Count: > 0 } choices ? new Step(packet, null, choices) : null;
                case NftMasquerade:
                    return _facts.MasqueradeAddress(packet.OutputInterface, packet.IPv6) is { } own
                        ? new Step(packet with { Source = own }, NftVerdict.Accept)
                        : new Step(packet, NftVerdict.Drop);
                case NftSnat snat:
                    return new Step(packet with { Source = snat.Address }, NftVerdict.Accept);
                case NftCounter:
                    break;
                default:
                    if (!Matches(expression, packet))
                        return null;
                    break;
            }
        }
        return new Step(packet);
    }

    private bool Matches(NftExpression expression, TracePacket packet) => expression switch
    {
        NftMatch match => packet.Value(match.Field) is { } value && NftSetIndex.Covers(match.Value, value) != match.Not,
        NftMarkMatch mark => (packet.Mark & mark.Mask) == mark.Value,
        NftLookup lookup => Key(lookup.Fields, packet) is { } key && _sets[lookup.Set].Find(key) is not null != lookup.Not,
        NftCtStateMatch state => state.States.HasFlag(NftCtState.New),
        NftCtStatusDnat => packet.Translated,
        NftDestinationIsLocal local => _facts.IsLocal(packet.Destination) != local.Not,
        NftFamilyMatch family => family.IPv6 == packet.IPv6,
        _ => throw new InvalidOperationException($"the tracer does not know {expression.GetType().Name}"),
    };

    private List<TracePacket> Backends(NftDnat dnat, TracePacket packet)
    {
        var choices = new List<TracePacket>();
        if (dnat.IPv6 != packet.IPv6 || Key(dnat.Fields, packet) is not { } key)
            return choices;
        for (var i = 0; i < dnat.Count; i++)
        {
            NftValue[] indexed = [.. key, NftValue.Of(i)];
            if (_sets[dnat.Map].Find(EquatableArray.Create<NftValue>(indexed)) is not { Data: [NftAddress address, NftNumber port] })
                continue;
            choices.Add(packet with { Destination = address.Address, DestinationPort = (int)port.Number, Translated = true });
        }
        return choices;
    }

    private static EquatableArray<NftValue>? Key(EquatableArray<NftField> fields, TracePacket packet)
    {
        var key = new NftValue[fields.Count];
        for (var i = 0; i < key.Length; i++)
        {
            if (packet.Value(fields[i]) is not { } value)
                return null;
            key[i] = value;
        }
        return EquatableArray.Create<NftValue>(key);
    }
}
