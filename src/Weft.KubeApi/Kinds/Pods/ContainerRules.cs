using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Pods;

/// <summary>Validation of the containers of a pod spec.</summary>
internal static class ContainerRules
{
    public static void Check(JsonObject spec, string path, HashSet<string> volumes, Errors errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in (ReadOnlySpan<string>)["initContainers", "containers", "ephemeralContainers"])
        {
            foreach (var (i, container) in spec.Items(field))
            {
                var at = $"{path}.{field}[{i}]";
                Name(container, at, names, errors);
                Container(container, at, volumes, errors);
                if (field == "initContainers")
                    InitOnly(container, at, errors);
                if (field == "containers" && container.Text("restartPolicy") is { } policy)
                    errors.Forbidden(at + ".restartPolicy", $"may not be set for non-init containers (found {policy})");
            }
        }
    }

    private static void Name(JsonObject container, string path, HashSet<string> names, Errors errors)
    {
        if (container.Text("name") is not { Length: > 0 } name)
            return; // required: reported by the schema
        errors.Check(path + ".name", name, Names.Dns1123Label);
        if (!names.Add(name))
            errors.Duplicate(path + ".name", name);
    }

    private static void InitOnly(JsonObject container, string path, Errors errors)
    {
        if (container.Text("restartPolicy") is { } policy)
        {
            if (policy != "Always")
                errors.Add(FieldError.NotSupported(path + ".restartPolicy", policy, "Always"));
            return;
        }
        foreach (var field in (ReadOnlySpan<string>)["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"])
        {
            if (container.Object(field) is not null)
                errors.Forbidden($"{path}.{field}", "may not be set for init containers without restartPolicy=Always");
        }
    }

    private static void Container(JsonObject container, string path, HashSet<string> volumes, Errors errors)
    {
        if (container.Text("image") is not { Length: > 0 } image)
            errors.Required(path + ".image");
        else if (image.Trim() != image)
            errors.Invalid(path + ".image", image, "must not have leading or trailing whitespace");
        Ports(container, path, errors);
        Environment(container, path, errors);
        Mounts(container, path, volumes, errors);
        Resources(container.Object("resources"), path + ".resources", errors);
        ProbeRules.Check(container, path, errors);
    }

    private static void Ports(JsonObject container, string path, Errors errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, port) in container.Items("ports"))
        {
            var at = $"{path}.ports[{i}]";
            if (port.Text("name") is { Length: > 0 } name)
            {
                errors.Check(at + ".name", name, Names.PortName);
                if (!names.Add(name))
                    errors.Duplicate(at + ".name", name);
            }
            if (port.Integer("containerPort") is { } number)
                errors.Port(at + ".containerPort", number);
            if (port.Integer("hostPort") is { } host and not 0)
                errors.Port(at + ".hostPort", host);
            errors.Check(at + ".hostIP", port.Text("hostIP") is { Length: > 0 } ip ? ip : null, Names.Ip);
        }
    }

    private static void Environment(JsonObject container, string path, Errors errors)
    {
        foreach (var (i, variable) in container.Items("env"))
        {
            var at = $"{path}.env[{i}]";
            errors.Check(at + ".name", variable.Text("name") is { Length: > 0 } name ? name : null, Names.EnvironmentName);
            if (variable.Object("valueFrom") is not { } source)
                continue;
            if (variable.Text("value") is { Length: > 0 })
                errors.Invalid(at + ".valueFrom", "", "may not be specified when `value` is not empty");
            var sources = source.Count(f => f.Value is not null);
            if (sources != 1)
                errors.Invalid(at + ".valueFrom", "", sources == 0 ? "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
                    : "may not have more than one field specified at a time");
        }
    }

    private static void Mounts(JsonObject container, string path, HashSet<string> volumes, Errors errors)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, mount) in container.Items("volumeMounts"))
        {
            var at = $"{path}.volumeMounts[{i}]";
            if (mount.Text("name") is { Length: > 0 } name && !volumes.Contains(name))
                errors.Add(FieldError.NotFound(at + ".name", name));
            if (mount.Text("mountPath") is { Length: > 0 } target && !paths.Add(target))
                errors.Invalid(at + ".mountPath", target, "must be unique");
            if (mount.Text("subPath") is { Length: > 0 } sub && (sub.StartsWith('/') || sub.Split('/').Contains("..")))
                errors.Invalid(at + ".subPath", sub, sub.StartsWith('/') ? "must be a relative path" : "must not contain '..'");
        }
    }

    private static void Resources(JsonObject? resources, string path, Errors errors)
    {
        foreach (var field in (ReadOnlySpan<string>)["limits", "requests"])
        {
            foreach (var (name, node) in resources.Object(field) ?? [])
            {
                var at = $"{path}.{field}[{name}]";
                if (!Quantity.TryParse(node.AsText() ?? node?.ToJsonString() ?? "", out var amount))
                    errors.Invalid(at, node, $"quantities must match the regular expression '{Quantity.Grammar}'");
                else if (amount.Sign < 0)
                    errors.Invalid(at, node, Errors.Negative);
                else if (field == "requests" && resources.Object("limits")?[name] is { } limit
                    && Quantity.TryParse(limit.AsText() ?? limit.ToJsonString(), out var most) && amount.CompareTo(most) > 0)
                    errors.Invalid($"{path}.requests", node, $"must be less than or equal to {name} limit of {limit.AsText() ?? limit.ToJsonString()}");
            }
        }
    }
}
