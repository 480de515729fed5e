using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Rest;
using Weft.KubeApi.Schemas;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Apply;

internal sealed class ServerSideApply(ObjectStore store, ResourceWriter writer, SchemaSet schemas, FieldManagers managers)
{
    public Task<StoredObject> ApplyAsync(
        ResourceDefinition definition, string ns, string name, string subresource, JsonObject body, RequestContext context, CancellationToken cancel)
    {
        _ = (store, writer, schemas, managers, definition, ns, name, subresource, body, context, cancel);
        throw StatusErrors.UnsupportedMediaType("application/apply-patch+yaml", "application/merge-patch+json");
    }
}
