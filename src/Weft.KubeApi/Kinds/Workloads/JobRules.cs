using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.Workloads;

/// <summary>Jobs: their generated selector and their validation (pkg/registry/batch/job, pkg/apis/batch/validation).</summary>
internal static class JobRules
{
    private const string Uid = "batch.kubernetes.io/controller-uid";

    /// <summary>A job that does not ask for a manual selector selects its pods by its own UID.</summary>
    public static void PrepareForCreate(JsonObject job)
    {
        var spec = job.Ensure("spec");
        if (spec.Flag("manualSelector") || job.Object("metadata").Text("uid") is not { } uid || spec.Object("template") is not { } template)
            return;
        var name = job.Object("metadata").Text("name") ?? "";
        var labels = template.Ensure("metadata").Ensure("labels");
        labels[Uid] = uid;
        labels["controller-uid"] = uid;
        labels["batch.kubernetes.io/job-name"] = name;
        labels["job-name"] = name;
        if (spec.Object("selector") is null)
            spec["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { [Uid] = uid } };
    }

    public static void Validate(JsonObject job, JsonObject? old, Errors errors)
    {
        var spec = job.Object("spec");
        if (spec is null)
        {
            errors.Required("spec");
            return;
        }
        foreach (var field in (ReadOnlySpan<string>)["parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"])
            errors.NotNegative("spec", spec, field);
        if (spec.Text("completionMode") == "Indexed" && spec["completions"] is null)
            errors.Required("spec.completions", "when completion mode is Indexed");
        if (spec.Object("template") is { } template)
            Template(spec, template, errors);
        if (old.Object("spec") is { } before)
            Update(spec, before, errors);
    }

    private static void Template(JsonObject spec, JsonObject template, Errors errors)
    {
        if (spec.Object("selector") is { } selector)
        {
            SelectorChecks.LabelSelector(selector, "spec.selector", errors);
            if (!LabelSelectors.Matches(selector, template.ObjectAt("metadata", "labels")))
                errors.Invalid("spec.template.metadata.labels", template.ObjectAt("metadata", "labels") ?? [], "`selector` does not match template `labels`");
        }
        WorkloadRules.Template(template, errors);
        if (template.Object("spec").Text("restartPolicy") is null or "" or "Always")
            errors.Required("spec.template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\"");
    }

    private static void Update(JsonObject spec, JsonObject before, Errors errors)
    {
        errors.Unchanged("spec.selector", spec["selector"], before["selector"]);
        errors.Unchanged("spec.completionMode", spec["completionMode"], before["completionMode"]);
        // A suspended job's template may still be scheduled differently; here the whole template stays as it is.
        errors.Unchanged("spec.template", spec["template"], before["template"]);
        var elastic = spec.Text("completionMode") == "Indexed" && spec.Integer("completions") == spec.Integer("parallelism");
        if (!elastic)
            errors.Unchanged("spec.completions", spec["completions"], before["completions"]);
    }
}
