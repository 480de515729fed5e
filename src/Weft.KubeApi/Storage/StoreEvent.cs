using Weft.KubeApi.Client;

namespace Weft.KubeApi.Storage;

/// <summary>One change. For a deletion <see cref="Object"/> is the last state under the revision of the deletion.</summary>
internal sealed record StoreEvent(WatchEventType Type, StoredObject Object, StoredObject? Previous)
{
    public long Revision => Object.Revision;
}
