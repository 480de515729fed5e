using Weft.Kubernetes.Api;
using Weft.Model.Selectors;
using Weft.Primitives;

namespace Weft.Kubernetes.Convert;

/// <summary>meta/v1 LabelSelector to <see cref="LabelSelector"/>.</summary>
internal static class SelectorConverter
{
    /// <exception cref="ConversionException">An operator is unknown, or its values do not fit it.</exception>
    public static LabelSelector? Convert(ApiLabelSelector? selector, string field)
    {
        if (selector is null)
            return null;
        ConversionException.ThrowIfUnknown(selector.Unknown, field);
        var requirements = new List<SelectorRequirement>();
        foreach (var (key, value) in selector.MatchLabels ?? [])
            requirements.Add(new SelectorRequirement(key, SelectorOperator.In, [value]));
        var index = 0;
        foreach (var expression in selector.MatchExpressions ?? [])
            requirements.Add(Convert(expression, $"{field}.matchExpressions[{index++}]"));
        return new LabelSelector(requirements.OrderBy(r => r.Key, StringComparer.Ordinal).ThenBy(r => r.Operator).ToEquatableArray());
    }

    private static SelectorRequirement Convert(ApiSelectorRequirement expression, string field)
    {
        if (!Enum.TryParse<SelectorOperator>(expression.Operator, out var op) || !Enum.IsDefined(op))
            throw new ConversionException($"{field}.operator", $"'{expression.Operator}' is not one of In, NotIn, Exists, DoesNotExist");
        var values = expression.Values ?? [];
        var wantsValues = op is SelectorOperator.In or SelectorOperator.NotIn;
        if (wantsValues != values.Count > 0)
            throw new ConversionException($"{field}.values", wantsValues ? $"{op} needs at least one value" : $"{op} takes no values");
        return new SelectorRequirement(expression.Key, op, values.Order(StringComparer.Ordinal).ToEquatableArray());
    }
}
