using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Networking;

/// <summary>Validation of ServiceCIDR and IPAddress (pkg/apis/networking/validation).</summary>
internal static class AddressRules
{
    public static void ValidateServiceCidr(JsonObject obj, JsonObject? old, Errors errors)
    {
        var cidrs = obj.Object("spec").Texts("cidrs").ToList();
        var before = old.Object("spec").Texts("cidrs").ToList();
        if (old is not null && !cidrs.SequenceEqual(before))
        {
            // A single-stack range may grow to dual-stack, once.
            if (before.Count != 1 || cidrs.Count != 2 || cidrs[0] != before[0])
                errors.Invalid("spec.cidrs", obj.Object("spec")?["cidrs"], Errors.Immutable);
        }
        if (cidrs.Count == 0)
            errors.Required("spec.cidrs", "at least one CIDR required");
        if (cidrs.Count > 2)
            errors.Invalid("spec", obj["spec"], "may only hold up to 2 values");
        var families = new HashSet<bool>();
        for (var i = 0; i < cidrs.Count; i++)
        {
            if (!Names.TryCidr(cidrs[i], out var prefix))
                errors.Invalid($"spec.cidrs[{i}]", cidrs[i], Names.BadCidr);
            else if (prefix.ToString() != cidrs[i])
                errors.Invalid($"spec.cidrs[{i}]", cidrs[i], $"must be in canonical form (\"{prefix}\")");
            else if (!families.Add(prefix.IsIPv6))
                errors.Invalid("spec", obj["spec"], "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64");
        }
    }

    /// <summary>The name is the address, in canonical form (RFC 5952 for IPv6).</summary>
    public static string? Name(string name)
    {
        if (!Names.TryIp(name, out var address))
            return Names.BadIp;
        return address.ToString() == name ? null : $"must be in canonical form (\"{address}\")";
    }

    public static void ValidateIpAddress(JsonObject obj, JsonObject? old, Errors errors)
    {
        if (obj.ObjectAt("spec", "parentRef") is { } parent)
        {
            errors.Check("spec.parentRef.group", parent.Text("group") is { Length: > 0 } group ? group : null, Names.Dns1123Subdomain);
            if (parent.Text("namespace") is { Length: > 0 } ns)
                errors.Check("spec.parentRef.namespace", ns, Names.Dns1123Label);
        }
        if (old is not null)
            errors.Unchanged("spec.parentRef", obj.ObjectAt("spec", "parentRef"), old.ObjectAt("spec", "parentRef"));
    }
}
