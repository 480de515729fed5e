using System.Text.Json.Nodes;

namespace Weft.Lab.Objects;

/// <summary>Label selectors (meta/v1 LabelSelector and plain maps) judged on objects in JSON.</summary>
internal static class LabelSelectors
{
    /// <summary>A LabelSelector; null selects nothing and an empty one selects everything, as meta/v1 says.</summary>
    public static bool Matches(JsonObject? selector, JsonObject? labels)
    {
        if (selector is null)
            return false;
        foreach (var (key, value) in selector.StringMap("matchLabels"))
        {
            if (labels.Str(key) != value)
                return false;
        }

        return selector.Items("matchExpressions").All(e => MatchesExpression(e, labels));
    }

    /// <summary>A map of labels, as Services and nodeSelector hold; an empty map selects everything.</summary>
    public static bool MatchesMap(JsonObject? map, JsonObject? labels) =>
        map is null || map.All(p => labels.Str(p.Key) == p.Value.AsText());

    /// <summary>Operators of label selectors and, with Gt and Lt, of node selectors.</summary>
    public static bool MatchesExpression(JsonObject expression, JsonObject? labels)
    {
        string? value = labels.Str(expression.Str("key") ?? "");
        var values = expression.Strings("values");
        return expression.Str("operator") switch
        {
            "In" => value is not null && values.Contains(value),
            "NotIn" => value is null || !values.Contains(value),
            "Exists" => value is not null,
            "DoesNotExist" => value is null,
            "Gt" => long.TryParse(value, out long v) && long.TryParse(values.FirstOrDefault(), out long w) && v > w,
            "Lt" => long.TryParse(value, out long v) && long.TryParse(values.FirstOrDefault(), out long w) && v < w,
            _ => false,
        };
    }
}
