using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Schemas;

/// <summary>The schema of each definition, read once, with metadata made the server's own.</summary>
internal sealed class SchemaSet(ResourceRegistry registry)
{
    private readonly ConditionalWeakTable<ResourceDefinition, StructuralSchema> _schemas = [];

    public StructuralSchema Of(ResourceDefinition definition) => _schemas.GetValue(definition, Compile);

    /// <summary>A component by name: what the registry was given, or ObjectMeta.</summary>
    public JsonObject? Component(string name) =>
        name == ObjectMetaSchema.ComponentName ? ObjectMetaSchema.Schema : registry.Components.GetValueOrDefault(name);

    private StructuralSchema Compile(ResourceDefinition definition)
    {
        var raw = (JsonObject)definition.Schema.DeepClone();
        var properties = Json.Child(raw, "properties");
        properties["apiVersion"] = ObjectMetaSchema.ApiVersion;
        properties["kind"] = ObjectMetaSchema.Kind;
        properties["metadata"] = ObjectMetaSchema.Schema.DeepClone();
        raw["type"] = "object";
        return new StructuralSchema(raw, Component);
    }
}
