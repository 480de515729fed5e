using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Kinds.CustomResources;

namespace Weft.KubeApi.Tests.Kinds;

public class CustomResourceTests
{
    private const string Resource = "customresourcedefinitions.apiextensions.k8s.io";
    private const string Schema = """{"type":"object","properties":{"spec":{"type":"object","properties":{"color":{"type":"string"}}}}}""";
    private readonly KindFixture _kinds = new();

    private static string Crd(string version = "", string schema = Schema, string spec = "", string kind = "Widget", string plural = "widgets") => $$$"""
        {"metadata":{"name":"{{{plural}}}.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"{{{plural}}}","kind":"{{{kind}}}","shortNames":["wd"]},
         {{{spec}}}"versions":[{"name":"v1","served":true,"storage":true,{{{version}}}"schema":{"openAPIV3Schema":{{{schema}}}}}]}}
        """;

    [Fact]
    public void ADefinitionServesItsKindAtOnceAndTakesItAwayWithIt()
    {
        var crd = _kinds.Create(Resource, Crd("""
            "subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas"}},
            """));
        var widgets = _kinds.Definition("widgets.example.com");
        Assert.Equal(("Widget", "widget", true, true, true), (widgets.Kind, widgets.Singular, widgets.Custom, widgets.HasStatus, widgets.Namespaced));
        Assert.Equal(new ScalePaths("spec.replicas", "status.replicas", null), widgets.Scale);
        Assert.Equal(["NamesAccepted=True", "Established=True"],
            crd.Object("status").Items("conditions").Select(c => $"{c.Item.Text("type")}={c.Item.Text("status")}"));
        Assert.Equal(["v1"], crd.Object("status").Texts("storedVersions"));
        Assert.Equal(["customresourcecleanup.apiextensions.k8s.io"], crd.Object("metadata").Texts("finalizers"));
        _kinds.Delete(Resource, crd);
        Assert.False(_kinds.Registry.TryGet("widgets.example.com", out _));
    }

    [Fact]
    public void NamesThatAnotherResourceHasAreNotServed()
    {
        _kinds.Create(Resource, Crd());
        var second = _kinds.Create(Resource, Crd(plural: "gadgets"));
        Assert.False(CustomResourceLifecycle.IsEstablished(second));
        Assert.Contains("\"Widget\" is already in use", second["status"]!.ToJsonString().Replace("\\u0022", "\"").Replace("\\\"", "\""));
        Assert.False(_kinds.Registry.TryGet("gadgets.example.com", out _));
    }

    [Theory]
    [InlineData("""{"type":"object"}""", null)]
    [InlineData("""{}""", "type: Required value: must not be empty at the root")]
    [InlineData("""{"type":"string"}""", "type: Invalid value: \"string\": must be object at the root")]
    [InlineData("""{"type":"object","properties":{"a":{}}}""", "properties[a].type: Required value: must not be empty for specified object fields")]
    [InlineData("""{"type":"object","properties":{"a":{"x-kubernetes-preserve-unknown-fields":true}}}""", null)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"array"}}}""", "properties[a].items: Required value: must be specified")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"list"}}}""",
        "properties[a].type: Unsupported value: \"list\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"object","properties":{},"additionalProperties":{"type":"string"}}}}""",
        "properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"array","uniqueItems":true,"items":{"type":"string"}}}}""",
        "properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"anyOf":[{"properties":{"a":{"type":"string"}}}]}""",
        "anyOf[0].properties[a].type: Forbidden: must be empty to be structural")]
    [InlineData("""{"type":"object","properties":{"a":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]}}}""", null)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","pattern":"("}}}""", "properties[a].pattern: Invalid value: \"(\"")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{"k":{"type":"string"}}}}}}""",
        "properties[a].items.properties[k].default: Required value")]
    [InlineData("""{"type":"object","properties":{"metadata":{"type":"object","properties":{"labels":{"type":"object"}}}}}""",
        "properties[metadata].properties[labels]: Forbidden: must not specify anything other than name and generateName")]
    public void SchemasAreStructural(string schema, string? error)
    {
        var errors = _kinds.CreateErrors(Resource, Crd(schema: schema));
        if (error is null)
            Assert.Empty(errors);
        else
            Assert.StartsWith("spec.versions[0].schema.openAPIV3Schema." + error, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "\"preserveUnknownFields\":true,", "spec.preserveUnknownFields: Invalid value: true: must be false")]
    [InlineData("", "\"conversion\":{\"strategy\":\"Webhook\"},", "spec.conversion.strategy: Unsupported value: \"Webhook\": supported values: \"None\"")]
    [InlineData("\"additionalPrinterColumns\":[{\"name\":\"A\",\"type\":\"text\",\"jsonPath\":\".a\"}],", "",
        "spec.versions[0].additionalPrinterColumns[0].type: Unsupported value: \"text\": supported values: \"boolean\", \"date\", \"integer\", \"number\", \"string\"")]
    [InlineData("\"subresources\":{\"scale\":{\"specReplicasPath\":\".replicas\",\"statusReplicasPath\":\".status.replicas\"}},", "",
        "spec.versions[0].subresources.scale.specReplicasPath: Invalid value: \".replicas\": should be a json path under .spec")]
    [InlineData("\"selectableFields\":[{\"jsonPath\":\".spec.size\"}],", "",
        "spec.versions[0].selectableFields[0].jsonPath: Invalid value: \".spec.size\": is an invalid path: does not refer to a valid field")]
    public void RefusesBadDefinitions(string version, string spec, string error) =>
        Assert.Equal([error], _kinds.CreateErrors(Resource, Crd(version, spec: spec)));

    [Fact]
    public void ExactlyOneVersionIsStoredAndTheNameIsPluralAndGroup()
    {
        var crd = KindFixture.Parse(Crd());
        crd["metadata"]!["name"] = "other.example.com";
        crd["spec"]!["versions"]![0]!["storage"] = false;
        var errors = _kinds.CreateErrors(Resource, crd.ToJsonString());
        Assert.Contains(errors, e => e.EndsWith("must be spec.names.plural+\".\"+spec.group", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.EndsWith("must have exactly one version marked as storage version", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(".spec.color", "red")]
    [InlineData(".status.conditions[?(@.type==\"Ready\")].status", "True")]
    [InlineData(".status.conditions[?(@.type!='Ready')].status", "False")]
    [InlineData(".spec.list[1]", "b")]
    [InlineData(".spec.list[-1]", "c")]
    [InlineData(".spec.list[*]", "a,b,c")]
    [InlineData(".metadata.labels.app\\.kubernetes\\.io/name", "n")]
    [InlineData(".metadata.labels['app.kubernetes.io/name']", "n")]
    [InlineData(".spec.missing", "")]
    public void PathsSelect(string path, string expected)
    {
        var obj = KindFixture.Parse("""
            {"metadata":{"labels":{"app.kubernetes.io/name":"n"}},"spec":{"color":"red","list":["a","b","c"]},
             "status":{"conditions":[{"type":"Ready","status":"True"},{"type":"Good","status":"False"}]}}
            """);
        Assert.True(JsonPath.TryParse(path, out var parsed));
        Assert.Equal(expected, string.Join(",", parsed.Select(obj).Select(n => n.ToString())));
    }

    [Theory]
    [InlineData("spec")]
    [InlineData(".spec[")]
    [InlineData(".spec[?(@.a)]")]
    [InlineData("..")]
    [InlineData("")]
    public void WhatIsNoPathIsRefused(string path) => Assert.False(JsonPath.TryParse(path, out _));

    [Fact]
    public void VersionsOrderByStability() =>
        Assert.Equal(["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"],
            ((string[])["foo10", "v1", "v11alpha2", "v10", "v3beta1", "v12alpha1", "foo1", "v11beta2", "v2", "v10beta3"]).Order(CustomResourceMapper.VersionOrder.Instance));
}
