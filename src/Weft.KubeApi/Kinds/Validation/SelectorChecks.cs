using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Validation;

/// <summary>Labels and selectors (k8s.io/apimachinery/pkg/apis/meta/v1/validation).</summary>
internal static class SelectorChecks
{
    public static void Labels(JsonObject? labels, string path, Errors errors)
    {
        foreach (var (key, value) in labels ?? [])
        {
            errors.Check(path, key, Names.QualifiedName);
            errors.Check(path, value.AsText(), Names.LabelValue);
        }
    }

    public static void LabelSelector(JsonObject? selector, string path, Errors errors)
    {
        Labels(selector.Object("matchLabels"), path + ".matchLabels", errors);
        foreach (var (i, term) in selector.Items("matchExpressions"))
            Requirement(term, $"{path}.matchExpressions[{i}]", errors);
    }

    private static void Requirement(JsonObject term, string path, Errors errors)
    {
        var values = term.Texts("values").ToList();
        switch (term.Text("operator"))
        {
            case "In" or "NotIn":
                if (values.Count == 0)
                    errors.Required(path + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
                break;
            case "Exists" or "DoesNotExist":
                if (values.Count > 0)
                    errors.Forbidden(path + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
                break;
            case { Length: > 0 } other:
                errors.Invalid(path + ".operator", other, "not a valid selector operator");
                break;
        }
        errors.Check(path + ".key", term.Text("key"), Names.QualifiedName);
        for (var i = 0; i < values.Count; i++)
            errors.Check($"{path}.values[{i}]", values[i], Names.LabelValue);
    }

    public static bool IsEmpty(JsonObject? selector) =>
        (selector.Object("matchLabels")?.Count ?? 0) == 0 && (selector.Array("matchExpressions")?.Count ?? 0) == 0;
}
