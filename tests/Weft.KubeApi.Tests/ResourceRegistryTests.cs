using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;
using Xunit;

namespace Weft.KubeApi.Tests;

public sealed class ResourceRegistryTests
{
    [Fact]
    public void Versions_of_a_resource_come_and_go_one_by_one()
    {
        var registry = new ResourceRegistry();
        var v1 = new ResourceDefinition
        {
            Group = "example.com", Version = "v1", Kind = "Widget", Plural = "widgets", Singular = "widget", Namespaced = true,
            Schema = new JsonObject(),
        };
        registry.Add(v1);
        registry.Add(v1 with { Version = "v2" });
        var before = registry.Revision;

        Assert.True(registry.TryGet("widgets.example.com", out var preferred));
        Assert.Equal("v1", preferred.Version);
        Assert.True(registry.TryGetKind("example.com/v2", "Widget", out _));

        registry.Remove("example.com", "v1", "widgets");
        Assert.False(registry.TryGet("example.com", "v1", "widgets", out _));
        Assert.True(registry.TryGet("widgets.example.com", out preferred));
        Assert.Equal("v2", preferred.Version);
        Assert.True(registry.Revision > before);
    }

    [Fact]
    public void Field_errors_read_as_kubernetes_writes_them()
    {
        Assert.Equal("spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
            FieldError.Invalid("spec.ports[0].port", JsonValue.Create(0), "must be between 1 and 65535, inclusive").ToString());
        Assert.Equal("spec.selector: Required value", FieldError.Required("spec.selector").ToString());
        Assert.Equal("spec.type: Unsupported value: \"X\": supported values: \"A\", \"B\"",
            FieldError.NotSupported("spec.type", JsonValue.Create("X"), "A", "B").ToString());
    }
}
