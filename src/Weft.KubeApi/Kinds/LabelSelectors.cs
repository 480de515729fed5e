using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds;

/// <summary>metav1.LabelSelector as text and as a predicate.</summary>
internal static class LabelSelectors
{
    /// <summary>As kubectl prints it: <c>a=b,c in (d,e),!f</c>; <c>&lt;none&gt;</c> for one that selects everything.</summary>
    public static string Format(JsonObject? selector)
    {
        var terms = new List<(string Key, string Text)>();
        foreach (var (key, value) in selector.Object("matchLabels") ?? [])
            terms.Add((key, $"{key}={value.AsText()}"));
        foreach (var (_, term) in selector.Items("matchExpressions"))
        {
            var key = term.Text("key") ?? "";
            var values = string.Join(",", term.Texts("values").Order(StringComparer.Ordinal));
            terms.Add((key, term.Text("operator") switch
            {
                "In" => $"{key} in ({values})",
                "NotIn" => $"{key} notin ({values})",
                "Exists" => key,
                "DoesNotExist" => "!" + key,
                var other => $"{key} {other} ({values})",
            }));
        }
        return terms.Count == 0 ? "<none>" : string.Join(",", terms.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => t.Text));
    }

    public static bool Matches(JsonObject? selector, JsonObject? labels)
    {
        foreach (var (key, value) in selector.Object("matchLabels") ?? [])
        {
            if (labels.Text(key) is not { } found || found != value.AsText())
                return false;
        }
        foreach (var (_, term) in selector.Items("matchExpressions"))
        {
            var found = labels.Text(term.Text("key") ?? "");
            var matches = term.Text("operator") switch
            {
                "In" => found is not null && term.Texts("values").Contains(found),
                "NotIn" => found is null || !term.Texts("values").Contains(found),
                "Exists" => found is not null,
                "DoesNotExist" => found is null,
                _ => false,
            };
            if (!matches)
                return false;
        }
        return true;
    }
}
