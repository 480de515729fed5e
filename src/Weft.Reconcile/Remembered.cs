using Weft.Primitives;

namespace Weft.Reconcile;

/// <summary>
/// What a pass left in the kernel, for the next one to compare with. By identity first: compilers hand on the same objects for what did not change,
/// and a thousand of them are told apart without a look inside.
/// </summary>
/// <param name="key">What the kernel tells objects of this kind apart by.</param>
/// <param name="link">The link that an object goes with.</param>
internal sealed class Remembered<T, TKey>(NodeLinks links, Func<T, TKey> key, Func<T, string> link)
    where T : class
    where TKey : notnull
{
    private HashSet<T>? _held;

    // Those of the held that came with the last pass, by value: not every compiler keeps its objects.
    private HashSet<T> _young = [];

    public bool IsKnown => _held is not null;

    public void Forget() => _held = null;

    /// <summary>What is to be set, and what is to be deleted as nothing desired has its key; call only when <see cref="IsKnown"/>.</summary>
    public (List<T> Missing, List<T> Gone) Compare(EquatableArray<T> desired)
    {
        var held = _held!;
        held.RemoveWhere(h => links.Remade(link(h)));
        _young.RemoveWhere(h => links.Remade(link(h)));
        var now = new HashSet<T>(desired, ReferenceEqualityComparer.Instance);
        var fresh = desired.Where(d => !held.Contains(d)).ToList();
        var freshKeys = fresh.Select(key).ToHashSet();
        return (
            fresh.FindAll(f => !_young.Contains(f) && !links.Awaits(link(f))),
            [.. held.Where(h => !now.Contains(h) && !freshKeys.Contains(key(h)))]);
    }

    /// <summary>To be told when the kernel holds what is desired, but for what waits for its link.</summary>
    public void Hold(EquatableArray<T> desired)
    {
        var held = new HashSet<T>(desired.Where(d => !links.Awaits(link(d))), ReferenceEqualityComparer.Instance);
        _young = held.Where(h => _held?.Contains(h) != true).ToHashSet();
        _held = held;
    }
}
