using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Pods;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Workloads;

/// <summary>Validation of apps/v1 (pkg/apis/apps/validation).</summary>
internal static class WorkloadRules
{
    private const string StatefulSetOnlyThese =
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
        + "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

    private static readonly string[] StatefulSetMayChange =
        ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"];

    public static void Deployment(JsonObject obj, JsonObject? old, Errors errors)
    {
        var spec = obj.Object("spec");
        Common(spec, old.Object("spec"), "deployment", errors);
        errors.NotNegative("spec", spec, "revisionHistoryLimit");
        var strategy = spec.Object("strategy");
        if (strategy.Text("type") == "Recreate" && strategy.Object("rollingUpdate") is not null)
            errors.Forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
        if (strategy.Text("type") == "RollingUpdate")
            Rolling(strategy.Object("rollingUpdate"), "spec.strategy.rollingUpdate", errors);
        if (spec.Integer("progressDeadlineSeconds") is { } deadline && deadline <= (spec.Integer("minReadySeconds") ?? 0))
            errors.Invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds");
    }

    public static void ReplicaSet(JsonObject obj, JsonObject? old, Errors errors) => Common(obj.Object("spec"), old.Object("spec"), "replicaset", errors);

    public static void DaemonSet(JsonObject obj, JsonObject? old, Errors errors)
    {
        var spec = obj.Object("spec");
        Common(spec, old.Object("spec"), "daemonset", errors);
        errors.NotNegative("spec", spec, "revisionHistoryLimit");
        var rolling = spec.ObjectAt("updateStrategy", "rollingUpdate");
        if (spec.Object("updateStrategy").Text("type") == "RollingUpdate")
        {
            var path = "spec.updateStrategy.rollingUpdate";
            Amount(rolling, "maxUnavailable", path, errors);
            Amount(rolling, "maxSurge", path, errors);
            if (IsZero(rolling?["maxUnavailable"]) == IsZero(rolling?["maxSurge"]))
                errors.Invalid(path + ".maxSurge", rolling?["maxSurge"], IsZero(rolling?["maxSurge"])
                    ? "may not be 0 when `maxUnavailable` is 0" : "may not be set when `maxUnavailable` is non-zero");
        }
    }

    public static void StatefulSet(JsonObject obj, JsonObject? old, Errors errors)
    {
        var spec = obj.Object("spec");
        Common(spec, null, "statefulset", errors);
        errors.Check("spec.serviceName", spec.Text("serviceName") is { Length: > 0 } name ? name : null, Names.Dns1123Subdomain);
        if (spec.ObjectAt("updateStrategy", "rollingUpdate") is { } rolling)
            errors.NotNegative("spec.updateStrategy.rollingUpdate", rolling, "partition");
        if (old.Object("spec") is not { } before || spec is null)
            return;
        var fields = spec.Select(f => f.Key).Union(before.Select(f => f.Key));
        if (fields.Any(f => !StatefulSetMayChange.Contains(f) && !Errors.Same(spec[f], before[f])))
            errors.Forbidden("spec", StatefulSetOnlyThese);
    }

    public static void ControllerRevision(JsonObject obj, JsonObject? old, Errors errors)
    {
        errors.NotNegative("", obj, "revision");
        if (obj["data"] is null)
            errors.Required("data", "data is mandatory");
        if (old is not null)
            errors.Unchanged("data", obj["data"], old["data"]);
    }

    private static void Common(JsonObject? spec, JsonObject? old, string kind, Errors errors)
    {
        if (spec is null)
        {
            errors.Required("spec");
            return;
        }
        errors.NotNegative("spec", spec, "replicas");
        errors.NotNegative("spec", spec, "minReadySeconds");
        Selector(spec, old, kind, errors);
        if (spec.Object("template") is not { } template)
        {
            // Of replica sets alone the schema does not require it.
            if (kind == "replicaset")
                errors.Required("spec.template");
            return;
        }
        TemplateMatches(spec, template, errors);
        Template(template, errors);
        if (template.Object("spec").Text("restartPolicy") is { } policy && policy != "Always")
            errors.Add(FieldError.NotSupported("spec.template.spec.restartPolicy", policy, "Always"));
        if (template.Object("spec")?["activeDeadlineSeconds"] is not null)
            errors.Forbidden("spec.template.spec.activeDeadlineSeconds", $"activeDeadlineSeconds in {kind} is not Supported");
    }

    private static void Selector(JsonObject spec, JsonObject? old, string kind, Errors errors)
    {
        if (spec.Object("selector") is not { } selector)
            return; // required: reported by the schema
        SelectorChecks.LabelSelector(selector, "spec.selector", errors);
        if (SelectorChecks.IsEmpty(selector))
            errors.Invalid("spec.selector", selector, $"empty selector is invalid for {kind}");
        if (old is not null)
            errors.Unchanged("spec.selector", selector, old.Object("selector"));
    }

    private static void TemplateMatches(JsonObject spec, JsonObject template, Errors errors)
    {
        var labels = template.ObjectAt("metadata", "labels");
        if (spec.Object("selector") is { } selector && !SelectorChecks.IsEmpty(selector) && !LabelSelectors.Matches(selector, labels))
            errors.Invalid("spec.template.metadata.labels", labels ?? [], "`selector` does not match template `labels`");
    }

    /// <summary>What holds for every pod template.</summary>
    public static void Template(JsonObject template, Errors errors)
    {
        SelectorChecks.Labels(template.ObjectAt("metadata", "labels"), "spec.template.metadata.labels", errors);
        if (template.Object("spec") is { } pod)
            PodRules.Spec(pod, "spec.template.spec", errors);
        else
            errors.Required("spec.template.spec.containers");
    }

    private static void Rolling(JsonObject? rolling, string path, Errors errors)
    {
        Amount(rolling, "maxUnavailable", path, errors);
        Amount(rolling, "maxSurge", path, errors);
        if (IsZero(rolling?["maxUnavailable"]) && IsZero(rolling?["maxSurge"]))
            errors.Invalid(path + ".maxUnavailable", rolling?["maxUnavailable"], "may not be 0 when `maxSurge` is 0");
        if (Names.Percent(rolling?["maxUnavailable"]) > 100)
            errors.Invalid(path + ".maxUnavailable", rolling?["maxUnavailable"], "must not be greater than 100%");
    }

    private static bool IsZero(JsonNode? amount) => amount is null || amount.AsInteger() == 0 || Names.Percent(amount) == 0;

    private static void Amount(JsonObject? owner, string field, string path, Errors errors)
    {
        if (owner?[field] is not { } amount)
            return;
        if (amount.AsInteger() is { } number ? number < 0 : Names.Percent(amount) is null)
            errors.Invalid($"{path}.{field}", amount, amount.AsInteger() is null ? "must be an integer or percentage (e.g '5%')" : Errors.Negative);
    }
}
