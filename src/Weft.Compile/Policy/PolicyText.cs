using System.Globalization;
using System.Text;
using Weft.Model.Policy;
using Weft.Model.Selectors;
using Weft.Primitives;

namespace Weft.Compile.Policy;

/// <summary>
/// Policies written out unambiguously, to be hashed into names: equal texts mean equal rules. They hold what the user wrote and not which
/// pods it selects today, so that a pod that comes or goes changes elements and no names.
/// </summary>
internal static class PolicyText
{
    public static string Of(NetworkPolicy policy, bool ingress)
    {
        var text = new StringBuilder().Append(policy.Key.ToString()).Append(policy.Invalid is null ? "|" : "|invalid|");
        Append(text, policy.PodSelector);
        foreach (var rule in ingress ? policy.Ingress : policy.Egress)
            text.Append("|rule ").Append(Peers(policy.Key.Namespace, rule.Peers)).Append(" ports ").Append(Ports(rule.Ports));
        return text.ToString();
    }

    public static string Peers(string policyNamespace, EquatableArray<PolicyPeer> peers)
    {
        var text = new StringBuilder();
        foreach (var peer in peers)
        {
            text.Append('{');
            if (peer.Block is { } block)
            {
                text.Append(block.Cidr.ToString());
                foreach (var except in block.Except)
                    text.Append(" except ").Append(except.ToString());
            }
            else
            {
                if (peer.NamespaceSelector is { } namespaces)
                    Append(text.Append("in "), namespaces);
                else
                    text.Append("of ").Append(policyNamespace);
                if (peer.PodSelector is { } pods)
                    Append(text.Append(" pods "), pods);
            }
            text.Append('}');
        }
        return text.ToString();
    }

    public static string Ports(EquatableArray<PolicyPort> ports)
    {
        var text = new StringBuilder();
        foreach (var port in ports)
            text.Append(CultureInfo.InvariantCulture, $"{{{(byte)port.Protocol} {port.Port}-{port.EndPort} {port.Name}}}");
        return text.ToString();
    }

    public static void Append(StringBuilder text, LabelSelector selector)
    {
        text.Append('(');
        foreach (var requirement in selector.Requirements)
        {
            // Label keys and values cannot hold these separators (apimachinery validation, qualified names).
            text.Append(requirement.Key).Append(' ').Append(requirement.Operator.ToString()).Append(' ')
                .AppendJoin(',', requirement.Values).Append(';');
        }
        text.Append(')');
    }
}
