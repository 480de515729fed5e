using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Rest;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Garbage;

/// <summary>What makes a namespace more than an object: nothing is created where none is, and it goes only when it is empty.</summary>
internal static class NamespaceLifecycle
{
    public const string Resource = "namespaces";
    private const string Finalizer = "kubernetes";

    /// <summary>Refuses what would be created in a missing or terminating namespace.</summary>
    public static void CheckOpen(StoreState state, ResourceDefinition definition, string ns, string name)
    {
        var found = state.Find(new ObjectKey(Resource, "", ns)) ?? throw StatusErrors.NotFound(Resource, ns);
        if (found.Metadata["deletionTimestamp"] is not null)
        {
            var error = StatusErrors.Forbidden(definition.Resource, name,
                $"unable to create new content in namespace {ns} because it is being terminated");
            error.Details!["causes"] = new JsonArray(new JsonObject
            {
                ["reason"] = "NamespaceTerminating", ["message"] = $"namespace {ns} is being terminated", ["field"] = "metadata.namespace",
            });
            throw error;
        }
    }

    public static void PrepareForCreate(ResourceDefinition definition, JsonObject target)
    {
        if (definition.Resource != Resource)
            return;
        Json.Child(target, "spec")["finalizers"] = new JsonArray(JsonValue.Create(Finalizer));
        Json.Child(target, "status")["phase"] = "Active";
        // Selectors by name count on it (NamespaceDefaultLabelName).
        Json.Child(Json.Child(target, "metadata"), "labels")["kubernetes.io/metadata.name"] = Json.Text(target["metadata"]!["name"]);
    }

    public static void MarkTerminating(ResourceDefinition definition, JsonObject target)
    {
        if (definition.Resource == Resource)
            Json.Child(target, "status")["phase"] = "Terminating";
    }

    /// <summary>True for a namespace that has not been emptied.</summary>
    public static bool HoldsContent(ResourceDefinition definition, JsonObject target) =>
        definition.Resource == Resource && target["spec"]?["finalizers"] is JsonArray { Count: > 0 };

    /// <summary>The namespace without the finalizer that stands for its content.</summary>
    public static JsonObject Emptied(StoredObject ns)
    {
        var next = ns.Clone();
        Json.Child(next, "spec")["finalizers"] =
            Json.Strings(Json.Strings(next["spec"]?["finalizers"]).Where(f => f != Finalizer).ToArray());
        return next;
    }
}
