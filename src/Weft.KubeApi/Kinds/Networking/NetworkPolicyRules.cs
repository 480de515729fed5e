using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Networking;

/// <summary>Defaults and validation of NetworkPolicy (pkg/apis/networking/validation).</summary>
internal static class NetworkPolicyRules
{
    /// <summary>A policy without policyTypes isolates ingress, and egress when it has egress rules.</summary>
    public static void Default(JsonObject policy)
    {
        var spec = policy.Ensure("spec");
        if (spec["podSelector"] is null)
            spec["podSelector"] = new JsonObject();
        if (spec.Array("policyTypes") is { Count: > 0 })
            return;
        spec["policyTypes"] = spec.Array("egress") is { Count: > 0 } ? new JsonArray("Ingress", "Egress") : new JsonArray("Ingress");
    }

    public static void Validate(JsonObject policy, JsonObject? old, Errors errors)
    {
        var spec = policy.Object("spec");
        SelectorChecks.LabelSelector(spec.Object("podSelector"), "spec.podSelector", errors);
        foreach (var (i, rule) in spec.Items("ingress"))
            Rule(rule, "from", $"spec.ingress[{i}]", errors);
        foreach (var (i, rule) in spec.Items("egress"))
            Rule(rule, "to", $"spec.egress[{i}]", errors);
        if (spec.Array("policyTypes") is { Count: > 2 } types)
            errors.Invalid("spec.policyTypes", types, "may not specify more than two policyTypes");
    }

    private static void Rule(JsonObject rule, string peers, string path, Errors errors)
    {
        foreach (var (i, port) in rule.Items("ports"))
            Port(port, $"{path}.ports[{i}]", errors);
        foreach (var (i, peer) in rule.Items(peers))
            Peer(peer, $"{path}.{peers}[{i}]", errors);
    }

    private static void Port(JsonObject port, string path, Errors errors)
    {
        var end = port.Integer("endPort");
        if (port["port"].AsText() is { } name)
        {
            if (end is not null)
                errors.Invalid(path + ".endPort", end, "may not be specified when `port` is non-numeric");
            errors.Check(path + ".port", name, Names.PortName);
        }
        else if (port.Integer("port") is { } number)
        {
            errors.Port(path + ".port", number);
            if (end is null)
                return;
            if (end < number)
                errors.Invalid(path + ".endPort", end, "must be greater than or equal to `port`");
            errors.Port(path + ".endPort", end);
        }
        else if (end is not null)
        {
            errors.Invalid(path + ".endPort", end, "may not be specified when `port` is not specified");
        }
    }

    private static void Peer(JsonObject peer, string path, Errors errors)
    {
        var kinds = 0;
        foreach (var field in (ReadOnlySpan<string>)["podSelector", "namespaceSelector"])
        {
            if (peer.Object(field) is not { } selector)
                continue;
            kinds++;
            SelectorChecks.LabelSelector(selector, $"{path}.{field}", errors);
        }
        if (peer.Object("ipBlock") is { } block)
        {
            kinds++;
            IpBlock(block, path + ".ipBlock", errors);
        }
        if (kinds == 0)
            errors.Required(path, "must specify a peer");
        else if (kinds > 1 && peer.Object("ipBlock") is not null)
            errors.Forbidden(path, "may not specify both ipBlock and another peer");
    }

    private static void IpBlock(JsonObject block, string path, Errors errors)
    {
        if (block.Text("cidr") is not { Length: > 0 } text)
            return; // required: reported by the schema
        if (!Names.TryCidr(text, out var cidr))
        {
            errors.Invalid(path + ".cidr", text, Names.BadCidr);
            return;
        }
        var i = 0;
        foreach (var item in block.Texts("except"))
        {
            if (!Names.TryCidr(item, out var except))
                errors.Invalid($"{path}.except[{i}]", item, Names.BadCidr);
            else if (!cidr.Contains(except) || except.Length <= cidr.Length)
                errors.Invalid($"{path}.except[{i}]", item, "must be a strict subset of `cidr`");
            i++;
        }
    }
}
