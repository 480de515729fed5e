using System.Text.Json.Nodes;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Garbage;

/// <summary>A reference from metadata.ownerReferences.</summary>
internal readonly record struct OwnerReference(string Uid, bool Blocks);

/// <summary>Who owns whom, by uid, kept up with the store's changes in their order. Used by one task.</summary>
internal sealed class OwnershipIndex
{
    private readonly Dictionary<string, ObjectKey> _byUid = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<ObjectKey>> _dependents = new(StringComparer.Ordinal);

    public static IEnumerable<OwnerReference> Owners(StoredObject stored)
    {
        if (stored.Metadata["ownerReferences"] is not JsonArray references)
            yield break;
        foreach (var reference in references)
        {
            var blocks = reference?["blockOwnerDeletion"] is JsonValue value && value.TryGetValue<bool>(out var set) && set;
            yield return new OwnerReference(Json.Text(reference?["uid"]) ?? "", blocks);
        }
    }

    public void Add(StoredObject stored)
    {
        _byUid[stored.Uid] = stored.Key;
        foreach (var owner in Owners(stored))
        {
            if (!_dependents.TryGetValue(owner.Uid, out var keys))
                _dependents[owner.Uid] = keys = [];
            keys.Add(stored.Key);
        }
    }

    public void Remove(StoredObject stored)
    {
        _byUid.Remove(stored.Uid);
        foreach (var owner in Owners(stored))
        {
            if (_dependents.TryGetValue(owner.Uid, out var keys) && keys.Remove(stored.Key) && keys.Count == 0)
                _dependents.Remove(owner.Uid);
        }
    }

    public ObjectKey? Find(string uid) => _byUid.TryGetValue(uid, out var key) ? key : null;

    /// <summary>A copy, since working on dependents changes them.</summary>
    public ObjectKey[] DependentsOf(string uid) => _dependents.TryGetValue(uid, out var keys) ? [.. keys] : [];

    /// <summary>An owner of another namespace is no owner: references have no namespace of their own.</summary>
    public bool OwnerExists(ObjectKey dependent, string ownerUid) =>
        _byUid.TryGetValue(ownerUid, out var owner) && (owner.Namespace.Length == 0 || owner.Namespace == dependent.Namespace);
}
