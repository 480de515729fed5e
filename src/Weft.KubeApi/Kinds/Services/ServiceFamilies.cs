using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Services;

/// <summary>
/// Works out the address families of a Service from what it asks for and what the cluster has
/// (pkg/registry/core/service/storage/alloc.go, initIPFamilyFields; KEP-563).
/// </summary>
internal static class ServiceFamilies
{
    /// <summary>Writes ipFamilyPolicy, ipFamilies and a trimmed clusterIPs into the spec; what cannot be had goes to the errors.</summary>
    /// <param name="available">Families with address ranges, the cluster's first family first.</param>
    public static void Resolve(JsonObject spec, JsonObject? before, IReadOnlyList<string> available, Errors errors)
    {
        var families = spec.Texts("ipFamilies").ToList();
        var ips = spec.Texts("clusterIPs").ToList();
        var policy = spec.Text("ipFamilyPolicy");
        var headless = ServiceUpdates.IsHeadless(spec);
        // Endpoints of a headless Service without selector come from elsewhere, and so may be of any family.
        var free = headless && spec.Object("selector") is not { Count: > 0 };

        if (before is not null && policy == "SingleStack" && before.Text("ipFamilyPolicy") is not (null or "SingleStack"))
            Shrink(families, ips, before);
        if (!headless)
            InferFromAddresses(families, ips, errors);
        if (policy is null && (families.Count > 1 || ips.Count > 1))
        {
            errors.Invalid("spec.ipFamilyPolicy", null, "must be 'RequireDualStack' or 'PreferDualStack' when multiple "
                + (families.Count > 1 ? "'ipFamilies'" : "'clusterIPs'") + " are specified");
            return;
        }
        policy ??= free && families.Count == 0 ? "RequireDualStack" : "SingleStack";
        CheckAvailable(policy, families, free, available, errors);
        if (errors.Count > 0)
            return;
        if (families.Count == 0)
            families.Add(available.Count > 0 ? available[0] : "IPv4");
        var other = families[0] == "IPv4" ? "IPv6" : "IPv4";
        if (policy != "SingleStack" && families.Count == 1 && (free || available.Contains(other)))
            families.Add(other);
        spec["ipFamilyPolicy"] = policy;
        spec["ipFamilies"] = new JsonArray([.. families.Select(f => JsonValue.Create(f))]);
        if (ips.Count > 0)
            spec["clusterIPs"] = new JsonArray([.. ips.Select(i => JsonValue.Create(i))]);
    }

    /// <summary>A Service that goes back to one family gives up the second, unless the client named it again on purpose.</summary>
    private static void Shrink(List<string> families, List<string> ips, JsonObject before)
    {
        if (families.Count == 2 && families.SequenceEqual(before.Texts("ipFamilies")))
            families.RemoveAt(1);
        if (ips.Count == 2 && ips.SequenceEqual(before.Texts("clusterIPs")))
            ips.RemoveAt(1);
    }

    private static void InferFromAddresses(List<string> families, List<string> ips, Errors errors)
    {
        for (var i = 0; i < ips.Count; i++)
        {
            if (!Names.TryIp(ips[i], out var ip))
                continue; // validation says so
            if (i >= families.Count)
                families.Add(Names.Family(ip));
            else if (families[i] != Names.Family(ip))
                errors.Invalid($"spec.clusterIPs[{i}]", ips[i], $"expected an {families[i]} value as indicated by `ipFamilies[{i}]`");
        }
    }

    private static void CheckAvailable(string policy, List<string> families, bool free, IReadOnlyList<string> available, Errors errors)
    {
        if (policy == "SingleStack" && families.Count > 1)
            errors.Invalid("spec.ipFamilyPolicy", policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple 'ipFamilies' are specified");
        if (free)
            return;
        if (policy == "RequireDualStack" && available.Count < 2)
            errors.Invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services");
        for (var i = 0; i < families.Count; i++)
        {
            if (families[i] is "IPv4" or "IPv6" && available.Count > 0 && !available.Contains(families[i]))
                errors.Invalid($"spec.ipFamilies[{i}]", families[i], "not configured on this cluster");
        }
    }
}
