using Weft.Primitives;

namespace Weft.Model.Selectors;

/// <summary>What a requirement asks of one label key (meta/v1 LabelSelectorRequirement).</summary>
public enum SelectorOperator { In, NotIn, Exists, DoesNotExist }

/// <summary>One requirement of a selector. <c>NotIn</c> also matches when the key is absent (apimachinery labels.Requirement).</summary>
public sealed record SelectorRequirement(string Key, SelectorOperator Operator, EquatableArray<string> Values)
{
    public bool Matches(Labels labels) => Operator switch
    {
        SelectorOperator.In => labels[Key] is { } value && Values.Contains(value),
        SelectorOperator.NotIn => labels[Key] is not { } value || !Values.Contains(value),
        SelectorOperator.Exists => labels.Has(Key),
        _ => !labels.Has(Key),
    };
}

/// <summary>
/// A meta/v1 LabelSelector: every requirement must hold; the empty selector matches everything. An absent selector is
/// <c>null</c> where the API gives absence a meaning of its own. matchLabels are kept as <c>In</c> with one value.
/// </summary>
public sealed record LabelSelector(EquatableArray<SelectorRequirement> Requirements)
{
    public static LabelSelector Everything { get; } = new(EquatableArray<SelectorRequirement>.Empty);

    public static LabelSelector Of(params (string Key, string Value)[] pairs) =>
        new(pairs.Select(p => new SelectorRequirement(p.Key, SelectorOperator.In, [p.Value])).ToEquatableArray());

    public bool Matches(Labels labels)
    {
        foreach (var requirement in Requirements)
        {
            if (!requirement.Matches(labels))
                return false;
        }
        return true;
    }
}
