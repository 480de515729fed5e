using System.Text.Json;
using Weft.Kubernetes.Api;
using Weft.Model;
using Weft.Model.Policy;
using Weft.Model.Selectors;
using Weft.Primitives;

namespace Weft.Kubernetes.Convert;

/// <summary>networking.k8s.io/v1 NetworkPolicy to <see cref="NetworkPolicy"/>, with the API's defaulting of policyTypes.</summary>
public static class PolicyConverter
{
    /// <summary>Never fails: a policy that cannot be understood becomes one that isolates the pods it selects (all pods of its namespace when
    /// even the selector is not understood) and says why in <see cref="NetworkPolicy.Invalid"/>.</summary>
    public static NetworkPolicy Convert(ApiNetworkPolicy policy)
    {
        var metadata = policy.Metadata ?? new ApiMetadata();
        var key = new ObjectKey(metadata.Namespace, metadata.Name);
        var selector = LabelSelector.Everything;
        try
        {
            var spec = policy.Spec ?? throw new ConversionException("spec", "required");
            selector = SelectorConverter.Convert(spec.PodSelector, "spec.podSelector") ?? LabelSelector.Everything;
            ConversionException.ThrowIfUnknown(spec.Unknown, "spec");
            var (ingress, egress) = Directions(spec);
            return new NetworkPolicy(
                key,
                selector,
                ingress,
                egress,
                Rules(spec.Ingress, "spec.ingress", "from", r => (r.From, r.Ports, r.Unknown)),
                Rules(spec.Egress, "spec.egress", "to", r => (r.To, r.Ports, r.Unknown)),
                Generation: metadata.Generation);
        }
        catch (ConversionException e)
        {
            return new NetworkPolicy(
                key, selector, IsolatesIngress: true, IsolatesEgress: true, [], [], $"NetworkPolicy {key} {e.Message}", metadata.Generation);
        }
    }

    // Defaulting of policyTypes: Ingress always, Egress when there are egress rules (networking/v1 types.go, NetworkPolicySpec).
    private static (bool Ingress, bool Egress) Directions(ApiNetworkPolicySpec spec)
    {
        if (spec.PolicyTypes is not { Count: > 0 } types)
            return (true, spec.Egress is { Count: > 0 });
        var index = types.FindIndex(t => t is not ("Ingress" or "Egress"));
        if (index >= 0)
            throw new ConversionException($"spec.policyTypes[{index}]", $"'{types[index]}' is not one of Ingress, Egress");
        return (types.Contains("Ingress"), types.Contains("Egress"));
    }

    private static EquatableArray<PolicyRule> Rules<TRule>(
        List<TRule>? rules,
        string field,
        string peersField,
        Func<TRule, (List<ApiPolicyPeer>? Peers, List<ApiPolicyPort>? Ports, Dictionary<string, JsonElement>? Unknown)> parts)
    {
        var converted = new List<PolicyRule>();
        for (var i = 0; i < (rules?.Count ?? 0); i++)
        {
            var at = $"{field}[{i}]";
            var (peers, ports, unknown) = parts(rules![i]);
            ConversionException.ThrowIfUnknown(unknown, at);
            converted.Add(new PolicyRule(
                (peers ?? []).Select((p, n) => Peer(p, $"{at}.{peersField}[{n}]")).ToEquatableArray(),
                (ports ?? []).Select((p, n) => Port(p, $"{at}.ports[{n}]")).ToEquatableArray()));
        }
        return converted.ToEquatableArray();
    }

    private static PolicyPeer Peer(ApiPolicyPeer peer, string field)
    {
        ConversionException.ThrowIfUnknown(peer.Unknown, field);
        if (peer.IpBlock is { } block)
        {
            if (peer.PodSelector is not null || peer.NamespaceSelector is not null)
                throw new ConversionException(field, "ipBlock cannot stand together with podSelector or namespaceSelector");
            return new PolicyPeer(null, null, Block(block, $"{field}.ipBlock"));
        }
        if (peer.PodSelector is null && peer.NamespaceSelector is null)
            throw new ConversionException(field, "names no peer; give podSelector, namespaceSelector or ipBlock");
        return new PolicyPeer(
            SelectorConverter.Convert(peer.PodSelector, $"{field}.podSelector"),
            SelectorConverter.Convert(peer.NamespaceSelector, $"{field}.namespaceSelector"),
            null);
    }

    private static IpBlock Block(ApiIPBlock block, string field)
    {
        ConversionException.ThrowIfUnknown(block.Unknown, field);
        var cidr = Prefix(block.Cidr, $"{field}.cidr");
        var except = (block.Except ?? []).Select((text, n) => Prefix(text, $"{field}.except[{n}]")).ToEquatableArray();
        for (var i = 0; i < except.Count; i++)
        {
            if (!cidr.Contains(except[i]) || except[i] == cidr)
                throw new ConversionException($"{field}.except[{i}]", $"'{except[i]}' is not strictly inside cidr '{cidr}'");
        }
        return new IpBlock(cidr, except);
    }

    // The API accepts host bits that are set and means the network they are in.
    private static IpPrefix Prefix(string text, string field) =>
        text.Contains('/') && IpPrefix.TryParse(text, strict: false, out var prefix)
            ? prefix
            : throw new ConversionException(field, $"'{text}' is not a CIDR such as 10.0.0.0/8");

    private static PolicyPort Port(ApiPolicyPort port, string field)
    {
        ConversionException.ThrowIfUnknown(port.Unknown, field);
        var protocol = ProtocolConverter.Convert(port.Protocol, $"{field}.protocol");
        var (number, name) = port.Port switch
        {
            null or { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => ((int?)null, (string?)null),
            { ValueKind: JsonValueKind.Number } value when value.TryGetInt32(out var n) && n is > 0 and <= 65535 => (n, null),
            { ValueKind: JsonValueKind.String } value => (null, value.GetString()),
            { } value => throw new ConversionException($"{field}.port", $"'{value}' is neither a port from 1 to 65535 nor a port name"),
        };
        if (port.EndPort is { } end && (number is null || end < number || end > 65535))
            throw new ConversionException($"{field}.endPort", $"'{end}' needs a numeric port that is not above it");
        return new PolicyPort(protocol, number, port.EndPort, name);
    }
}
