using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Core;

/// <summary>Defaults and validation of namespaces, nodes, events and leases.</summary>
internal static class CoreRules
{
    private const string NamespaceNameLabel = "kubernetes.io/metadata.name";

    /// <summary>Every namespace carries its name as a label, so that policies can select it.</summary>
    public static void DefaultNamespace(JsonObject obj)
    {
        if (obj.Object("metadata").Text("name") is { Length: > 0 } name)
            obj.Ensure("metadata").Ensure("labels")[NamespaceNameLabel] = name;
    }

    /// <summary>The finalizer keeps a deleted namespace until its content is gone (pkg/registry/core/namespace).</summary>
    public static void PrepareNamespace(JsonObject obj)
    {
        DefaultNamespace(obj);
        var spec = obj.Ensure("spec");
        if (spec.Array("finalizers") is not { } finalizers)
            spec["finalizers"] = finalizers = [];
        if (!finalizers.Any(f => f.AsText() == "kubernetes"))
            finalizers.Add((JsonNode)"kubernetes");
        obj["status"] = new JsonObject { ["phase"] = "Active" };
    }

    /// <summary>Finalizers of the spec change only through the finalize subresource.</summary>
    public static void UpdateNamespace(JsonObject obj, JsonObject old)
    {
        if (old.Object("spec")?["finalizers"] is { } finalizers)
            obj.Ensure("spec")["finalizers"] = finalizers.DeepClone();
    }

    /// <summary>podCIDR and the first of podCIDRs say the same (pkg/apis/core/v1/conversion.go).</summary>
    public static void DefaultNode(JsonObject obj)
    {
        var spec = obj.Ensure("spec");
        if (spec.Text("podCIDR") is { Length: > 0 } cidr && spec.Array("podCIDRs") is not { Count: > 0 })
            spec["podCIDRs"] = new JsonArray(cidr);
        else if (string.IsNullOrEmpty(spec.Text("podCIDR")) && spec.Texts("podCIDRs").FirstOrDefault() is { } first)
            spec["podCIDR"] = first;
    }

    public static void Node(JsonObject obj, JsonObject? old, Errors errors)
    {
        var spec = obj.Object("spec");
        var taints = new HashSet<(string?, string?)>();
        foreach (var (i, taint) in spec.Items("taints"))
        {
            var path = $"spec.taints[{i}]";
            errors.Check(path + ".key", taint.Text("key") is { Length: > 0 } key ? key : null, Names.QualifiedName);
            errors.Check(path + ".value", taint.Text("value"), Names.LabelValue);
            if (!taints.Add((taint.Text("key"), taint.Text("effect"))))
                errors.Duplicate(path, taint);
        }
        var cidrs = spec.Texts("podCIDRs").ToList();
        var families = new HashSet<bool>();
        for (var i = 0; i < cidrs.Count; i++)
        {
            if (!Names.TryCidr(cidrs[i], out var prefix))
                errors.Invalid($"spec.podCIDRs[{i}]", cidrs[i], Names.BadCidr);
            else if (!families.Add(prefix.IsIPv6))
                errors.Invalid("spec.podCIDRs", spec?["podCIDRs"], "may specify no more than one CIDR for each IP family");
        }
        if (old.Object("spec").Texts("podCIDRs").ToList() is { Count: > 0 } before && !before.SequenceEqual(cidrs))
            errors.Forbidden("spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid");
    }

    public static void Event(JsonObject obj, string about, Errors errors)
    {
        var ns = obj.Object("metadata").Text("namespace");
        var target = obj.Object(about).Text("namespace");
        // Events of cluster-scoped objects live in the default namespace.
        if (string.IsNullOrEmpty(target) ? ns is not (null or "" or "default" or "kube-system") : target != ns)
            errors.Invalid($"{about}.namespace", target ?? "", "does not match event.namespace");
    }

    public static void Lease(JsonObject obj, JsonObject? old, Errors errors)
    {
        var spec = obj.Object("spec");
        if (spec.Integer("leaseDurationSeconds") is { } duration and <= 0)
            errors.Invalid("spec.leaseDurationSeconds", duration, "must be greater than 0");
        errors.NotNegative("spec", spec, "leaseTransitions");
        if (spec.Text("holderIdentity") is "")
            errors.Invalid("spec.holderIdentity", "", "must not be empty");
    }
}
