using System.Collections.Immutable;

namespace Weft.Model.Selectors;

/// <summary>An immutable set of labels with value equality.</summary>
public sealed class Labels : IEquatable<Labels>
{
    public static Labels Empty { get; } = new(ImmutableSortedDictionary<string, string>.Empty);

    private readonly ImmutableSortedDictionary<string, string> _pairs;

    private Labels(ImmutableSortedDictionary<string, string> pairs) => _pairs = pairs;

    public static Labels From(IEnumerable<KeyValuePair<string, string>>? pairs)
    {
        if (pairs is null)
            return Empty;
        var sorted = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, pairs);
        return sorted.IsEmpty ? Empty : new Labels(sorted);
    }

    public static Labels Of(params (string Key, string Value)[] pairs) =>
        From(pairs.Select(p => KeyValuePair.Create(p.Key, p.Value)));

    public string? this[string key] => _pairs.GetValueOrDefault(key);

    public bool Has(string key) => _pairs.ContainsKey(key);

    public int Count => _pairs.Count;

    public IEnumerable<KeyValuePair<string, string>> Pairs => _pairs;

    public bool Equals(Labels? other) =>
        ReferenceEquals(this, other) || other is not null && _pairs.Count == other._pairs.Count && _pairs.SequenceEqual(other._pairs);

    public override bool Equals(object? obj) => Equals(obj as Labels);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var (key, value) in _pairs)
        {
            hash.Add(key, StringComparer.Ordinal);
            hash.Add(value, StringComparer.Ordinal);
        }
        return hash.ToHashCode();
    }

    public override string ToString() => string.Join(",", _pairs.Select(p => $"{p.Key}={p.Value}"));
}
