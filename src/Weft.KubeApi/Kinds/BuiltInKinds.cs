using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds;

/// <summary>The kinds that every server starts with.</summary>
public static class BuiltInKinds
{
    /// <summary>Adds every built-in kind to a registry. CRDs register what they define in the same one.</summary>
    public static void Register(ResourceRegistry registry)
    {
        registry.Add(Namespace);
        registry.Add(ConfigMap);
    }

    private static ResourceDefinition Namespace => new()
    {
        Group = "", Version = "v1", Kind = "Namespace", Plural = "namespaces", Singular = "namespace", ShortNames = ["ns"],
        Namespaced = false, HasStatus = true, HasGeneration = false,
        SchemaName = "io.k8s.api.core.v1.Namespace",
        Schema = Parse("""
            {"type":"object","properties":{
              "spec":{"type":"object","properties":{"finalizers":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"atomic"}}},
              "status":{"type":"object","properties":{"phase":{"type":"string"}}}}}
            """),
    };

    private static ResourceDefinition ConfigMap => new()
    {
        Group = "", Version = "v1", Kind = "ConfigMap", Plural = "configmaps", Singular = "configmap", ShortNames = ["cm"],
        Namespaced = true, HasGeneration = false,
        SchemaName = "io.k8s.api.core.v1.ConfigMap",
        Schema = Parse("""
            {"type":"object","properties":{
              "data":{"type":"object","additionalProperties":{"type":"string"}},
              "binaryData":{"type":"object","additionalProperties":{"type":"string","format":"byte"}},
              "immutable":{"type":"boolean"}}}
            """),
    };

    private static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();
}
