using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Pods;

/// <summary>Validation of probes and lifecycle hooks.</summary>
internal static class ProbeRules
{
    public static void Check(JsonObject container, string path, Errors errors)
    {
        foreach (var field in (ReadOnlySpan<string>)["livenessProbe", "readinessProbe", "startupProbe"])
        {
            if (container.Object(field) is not { } probe)
                continue;
            var at = $"{path}.{field}";
            Handler(probe, at, probe: true, errors);
            if (field != "readinessProbe" && probe.Integer("successThreshold") is { } successes && successes != 1)
                errors.Invalid(at + ".successThreshold", successes, "must be 1");
            if (probe.Integer("terminationGracePeriodSeconds") is { } grace and <= 0)
                errors.Invalid(at + ".terminationGracePeriodSeconds", grace, "must be greater than 0");
            if (field == "readinessProbe" && probe["terminationGracePeriodSeconds"] is not null)
                errors.Invalid(at + ".terminationGracePeriodSeconds", probe["terminationGracePeriodSeconds"], "must not be set for readinessProbes");
        }
        foreach (var hook in (ReadOnlySpan<string>)["postStart", "preStop"])
        {
            if (container.ObjectAt("lifecycle", hook) is { } handler)
                Handler(handler, $"{path}.lifecycle.{hook}", probe: false, errors);
        }
    }

    private static void Handler(JsonObject handler, string path, bool probe, Errors errors)
    {
        var handlers = 0;
        foreach (var kind in (ReadOnlySpan<string>)["exec", "httpGet", "tcpSocket", "grpc", "sleep"])
        {
            if (handler.Object(kind) is not { } action)
                continue;
            if (++handlers > 1)
                errors.Forbidden($"{path}.{kind}", "may not specify more than 1 handler type");
            else
                Action(kind, action, $"{path}.{kind}", errors);
        }
        if (handlers == 0)
            errors.Required(path, "must specify a handler type");
        else if (probe && handler.Object("sleep") is not null)
            errors.Forbidden(path + ".sleep", "is a lifecycle handler, not a probe");
    }

    private static void Action(string kind, JsonObject action, string path, Errors errors)
    {
        switch (kind)
        {
            case "exec" when action.Array("command") is not { Count: > 0 }:
                errors.Required(path + ".command");
                break;
            case "httpGet" or "tcpSocket" when action["port"].AsText() is { } name:
                errors.Check(path + ".port", name, Names.PortName);
                break;
            case "httpGet" or "tcpSocket" or "grpc" when action["port"] is not null:
                errors.Port(path + ".port", action.Integer("port"));
                break;
        }
    }
}
