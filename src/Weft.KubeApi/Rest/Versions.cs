using Weft.KubeApi.Kinds;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Rest;

/// <summary>Versions of one custom resource differ in their apiVersion only (conversion strategy None).</summary>
internal static class Versions
{
    public static byte[] Bytes(StoredObject stored, ResourceDefinition definition)
    {
        if (Json.Text(stored.Object["apiVersion"]) == definition.ApiVersion)
            return stored.Utf8;
        var copy = stored.Clone();
        copy["apiVersion"] = definition.ApiVersion;
        return Json.ToUtf8(copy);
    }
}
