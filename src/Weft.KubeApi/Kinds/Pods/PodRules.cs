using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Pods;

/// <summary>Validation of pods and pod templates (pkg/apis/core/validation).</summary>
internal static class PodRules
{
    private const string OnlyThese =
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        + "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

    public static void Validate(JsonObject pod, JsonObject? old, Errors errors)
    {
        var spec = pod.Object("spec");
        if (spec is null)
        {
            errors.Required("spec");
            return;
        }
        if (old is null)
            Spec(spec, "spec", errors);
        else
            Update(spec, old.Object("spec"), errors);
    }

    /// <summary>For <c>spec</c> of a pod and <c>spec.template.spec</c> of a workload.</summary>
    public static void Spec(JsonObject spec, string path, Errors errors)
    {
        var volumes = Volumes(spec, path, errors);
        ContainerRules.Check(spec, path, volumes, errors);
        HostPorts(spec, path, errors);
        foreach (var (i, toleration) in spec.Items("tolerations"))
            Toleration(toleration, $"{path}.tolerations[{i}]", errors);
        foreach (var (i, alias) in spec.Items("hostAliases"))
            HostAlias(alias, $"{path}.hostAliases[{i}]", errors);
        SelectorChecks.Labels(spec.Object("nodeSelector"), path + ".nodeSelector", errors);
        Dns(spec, path, errors);
        errors.Check(path + ".serviceAccountName", NonEmpty(spec, "serviceAccountName"), Names.Dns1123Subdomain);
        errors.Check(path + ".nodeName", NonEmpty(spec, "nodeName"), Names.Dns1123Subdomain);
        errors.Check(path + ".hostname", NonEmpty(spec, "hostname"), Names.Dns1123Label);
        errors.Check(path + ".subdomain", NonEmpty(spec, "subdomain"), Names.Dns1123Label);
        errors.NotNegative(path, spec, "terminationGracePeriodSeconds");
        if (spec.Integer("activeDeadlineSeconds") is { } deadline and (< 1 or > int.MaxValue))
            errors.Invalid(path + ".activeDeadlineSeconds", deadline, "must be between 1 and 2147483647, inclusive");
        foreach (var (i, constraint) in spec.Items("topologySpreadConstraints"))
        {
            if (constraint.Integer("maxSkew") is not > 0)
                errors.Invalid($"{path}.topologySpreadConstraints[{i}].maxSkew", constraint.Integer("maxSkew") ?? 0, "must be greater than zero");
        }
    }

    private static string? NonEmpty(JsonObject obj, string field) => obj.Text(field) is { Length: > 0 } text ? text : null;

    private static HashSet<string> Volumes(JsonObject spec, string path, Errors errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, volume) in spec.Items("volumes"))
        {
            var at = $"{path}.volumes[{i}]";
            if (volume.Text("name") is { Length: > 0 } name)
            {
                errors.Check(at + ".name", name, Names.Dns1123Label);
                if (!names.Add(name))
                    errors.Duplicate(at + ".name", name);
            }
            var sources = volume.Where(f => f.Key != "name" && f.Value is not null).Select(f => f.Key).ToList();
            foreach (var extra in sources.Skip(1))
                errors.Forbidden($"{at}.{extra}", "may not specify more than 1 volume type");
            if (volume.Object("secret") is { } secret && string.IsNullOrEmpty(secret.Text("secretName")))
                errors.Required(at + ".secret.secretName");
            if (volume.Object("configMap") is { } map && string.IsNullOrEmpty(map.Text("name")))
                errors.Required(at + ".configMap.name");
        }
        return names;
    }

    /// <summary>One host port can be had once a protocol and address.</summary>
    private static void HostPorts(JsonObject spec, string path, Errors errors)
    {
        var taken = new HashSet<(long, string?, string?)>();
        foreach (var (i, container) in spec.Items("containers"))
        {
            foreach (var (j, port) in container.Items("ports"))
            {
                var at = $"{path}.containers[{i}].ports[{j}]";
                if (port.Integer("hostPort") is not { } number || number == 0)
                    continue;
                if (spec.Flag("hostNetwork") && number != port.Integer("containerPort"))
                    errors.Invalid(at + ".containerPort", port["containerPort"], "must match `hostPort` when `hostNetwork` is true");
                if (!taken.Add((number, port.Text("protocol"), port.Text("hostIP"))))
                    errors.Duplicate(at + ".hostPort", $"{port.Text("protocol")}/{port.Text("hostIP")}/{number}");
            }
        }
    }

    private static void Toleration(JsonObject toleration, string path, Errors errors)
    {
        var key = toleration.Text("key");
        errors.Check(path + ".key", key is { Length: > 0 } ? key : null, Names.QualifiedName);
        switch (toleration.Text("operator"))
        {
            case null or "" or "Equal":
                if (string.IsNullOrEmpty(key))
                    errors.Invalid(path + ".operator", toleration.Text("operator"), "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
                errors.Check(path + ".operator", toleration.Text("value"), Names.LabelValue);
                break;
            case "Exists":
                if (toleration.Text("value") is { Length: > 0 })
                    errors.Invalid(path + ".operator", toleration["value"], "value must be empty when `operator` is 'Exists'");
                break;
            case var other:
                errors.Add(FieldError.NotSupported(path + ".operator", other, "Equal", "Exists"));
                break;
        }
        if (toleration.Integer("tolerationSeconds") is not null && toleration.Text("effect") != "NoExecute")
            errors.Invalid(path + ".effect", toleration.Text("effect"), "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }

    private static void HostAlias(JsonObject alias, string path, Errors errors)
    {
        errors.Check(path + ".ip", NonEmpty(alias, "ip"), Names.Ip);
        var i = 0;
        foreach (var host in alias.Texts("hostnames"))
            errors.Check($"{path}.hostnames[{i++}]", host, Names.Dns1123Subdomain);
    }

    private static void Dns(JsonObject spec, string path, Errors errors)
    {
        var config = spec.Object("dnsConfig");
        var servers = config.Texts("nameservers").ToList();
        if (spec.Text("dnsPolicy") == "None" && servers.Count == 0)
            errors.Required(path + ".dnsConfig.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None");
        if (servers.Count > 3)
            errors.Invalid(path + ".dnsConfig.nameservers", config?["nameservers"], "must not have more than 3 nameservers");
        for (var i = 0; i < servers.Count; i++)
            errors.Check($"{path}.dnsConfig.nameservers[{i}]", servers[i], Names.Ip);
        if (config.Texts("searches").Count() > 32)
            errors.Invalid(path + ".dnsConfig.searches", config?["searches"], "must not have more than 32 search paths");
    }

    /// <summary>Puts the few fields that may change back to their old values: whatever still differs is refused.</summary>
    private static void Update(JsonObject spec, JsonObject? old, Errors errors)
    {
        var now = (JsonObject)spec.DeepClone();
        foreach (var field in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            var before = old.Array(field);
            foreach (var (i, container) in now.Items(field))
            {
                if (string.IsNullOrEmpty(container.Text("image")))
                    errors.Required($"spec.{field}[{i}].image");
                if (before is not null && i < before.Count)
                    Restore(container, before[i] as JsonObject, "image");
            }
        }
        Restore(now, old, "activeDeadlineSeconds");
        if (spec.Integer("terminationGracePeriodSeconds") == 1 && old.Integer("terminationGracePeriodSeconds") < 0)
            Restore(now, old, "terminationGracePeriodSeconds");
        if (OnlyGrew(spec.Array("tolerations"), old.Array("tolerations")))
            Restore(now, old, "tolerations");
        // A binding names the node once; gates can only be lifted; ephemeral containers come through their own subresource.
        if (string.IsNullOrEmpty(old.Text("nodeName")))
            Restore(now, old, "nodeName");
        if (OnlyGrew(old.Array("schedulingGates"), spec.Array("schedulingGates")))
            Restore(now, old, "schedulingGates");
        if (OnlyGrew(spec.Array("ephemeralContainers"), old.Array("ephemeralContainers")))
            Restore(now, old, "ephemeralContainers");
        if (now.FirstOrDefault(f => !Errors.Same(f.Value, old?[f.Key])).Key is { } changed)
            errors.Forbidden("spec", $"{OnlyThese}: `spec.{changed}` was changed");
        else if (old?.FirstOrDefault(f => !Errors.Same(f.Value, now[f.Key])).Key is { } removed)
            errors.Forbidden("spec", $"{OnlyThese}: `spec.{removed}` was removed");
    }

    private static void Restore(JsonObject target, JsonObject? source, string field)
    {
        if (source?[field] is { } value)
            target[field] = value.DeepClone();
        else
            target.Remove(field);
    }

    private static bool OnlyGrew(JsonArray? now, JsonArray? before) =>
        before is null || before.All(b => now?.Any(n => JsonNode.DeepEquals(n, b)) == true);
}
