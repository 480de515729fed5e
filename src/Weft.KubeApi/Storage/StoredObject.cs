using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Storage;

/// <summary>Where an object lives. <see cref="Resource"/> is <c>pods</c> or <c>deployments.apps</c>; no namespace is the empty string.</summary>
internal readonly record struct ObjectKey(string Resource, string Namespace, string Name)
{
    public override string ToString() => Namespace.Length == 0 ? $"{Resource}/{Name}" : $"{Resource}/{Namespace}/{Name}";
}

/// <summary>
/// One version of one object. Never changes: readers share <see cref="Object"/> and <see cref="Utf8"/> and copy before they change
/// anything. The nodes read straight from <see cref="Utf8"/>, so a version is serialized once, when it is stored.
/// </summary>
internal sealed class StoredObject
{
    private StoredObject(ObjectKey key, byte[] utf8, JsonObject json, long revision)
    {
        Key = key;
        Utf8 = utf8;
        Object = json;
        Revision = revision;
        Uid = (string?)json["metadata"]?["uid"] ?? "";
    }

    public ObjectKey Key { get; }

    public byte[] Utf8 { get; }

    public JsonObject Object { get; }

    public long Revision { get; }

    public string Uid { get; }

    public JsonObject Metadata => (JsonObject)Object["metadata"]!;

    /// <summary>Stamps a revision into an object and freezes it; the object passed in is not used further.</summary>
    public static StoredObject Freeze(ObjectKey key, JsonObject json, long revision)
    {
        json["metadata"]!["resourceVersion"] = Json.Revision(revision);
        return Load(key, Json.ToUtf8(json), revision);
    }

    /// <summary>From bytes that hold the revision already.</summary>
    public static StoredObject Load(ObjectKey key, byte[] utf8, long revision)
    {
        var document = JsonDocument.Parse(utf8.AsMemory());
        return new StoredObject(key, utf8, JsonObject.Create(document.RootElement)!, revision);
    }

    public JsonObject Clone() => (JsonObject)JsonNode.Parse(Utf8)!;
}
