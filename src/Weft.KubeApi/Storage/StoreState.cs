using System.Collections.Immutable;

namespace Weft.KubeApi.Storage;

using Names = ImmutableSortedDictionary<string, StoredObject>;

/// <summary>Every object at one revision. Immutable, so that a list is consistent without a lock.</summary>
internal sealed record StoreState(ImmutableDictionary<string, ImmutableSortedDictionary<string, Names>> Tables, long Revision)
{
    private static readonly Names NoNames = Names.Empty.WithComparers(StringComparer.Ordinal);
    private static readonly ImmutableSortedDictionary<string, Names> NoSpaces =
        ImmutableSortedDictionary<string, Names>.Empty.WithComparers(StringComparer.Ordinal);

    public static StoreState Empty { get; } =
        new(ImmutableDictionary<string, ImmutableSortedDictionary<string, Names>>.Empty.WithComparers(StringComparer.Ordinal), 0);

    public StoredObject? Find(ObjectKey key) =>
        Tables.TryGetValue(key.Resource, out var spaces) && spaces.TryGetValue(key.Namespace, out var names)
            && names.TryGetValue(key.Name, out var found) ? found : null;

    /// <summary>Objects of a resource in the order of namespace and name; a null namespace stands for all.</summary>
    public IEnumerable<StoredObject> All(string resource, string? ns)
    {
        if (!Tables.TryGetValue(resource, out var spaces))
            yield break;
        if (ns is not null)
        {
            if (spaces.TryGetValue(ns, out var names))
            {
                foreach (var entry in names)
                    yield return entry.Value;
            }
            yield break;
        }
        foreach (var space in spaces)
        {
            foreach (var entry in space.Value)
                yield return entry.Value;
        }
    }

    public StoreState With(StoredObject stored, long revision)
    {
        var spaces = Tables.GetValueOrDefault(stored.Key.Resource, NoSpaces);
        var names = spaces.GetValueOrDefault(stored.Key.Namespace, NoNames);
        spaces = spaces.SetItem(stored.Key.Namespace, names.SetItem(stored.Key.Name, stored));
        return new StoreState(Tables.SetItem(stored.Key.Resource, spaces), revision);
    }

    public StoreState Without(ObjectKey key, long revision)
    {
        if (!Tables.TryGetValue(key.Resource, out var spaces) || !spaces.TryGetValue(key.Namespace, out var names))
            return this with { Revision = revision };
        names = names.Remove(key.Name);
        spaces = names.IsEmpty ? spaces.Remove(key.Namespace) : spaces.SetItem(key.Namespace, names);
        return new StoreState(spaces.IsEmpty ? Tables.Remove(key.Resource) : Tables.SetItem(key.Resource, spaces), revision);
    }
}
