using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Patch;
using Weft.KubeApi.Schemas;
using Weft.KubeApi.Tests.Support;
using Xunit;

namespace Weft.KubeApi.Tests.Patch;

public sealed class PatchTests
{
    private static readonly StructuralSchema Schema = new(Objects.Parse("""
        {"type":"object","properties":{
          "tags":{"type":"array","items":{"type":"string"},"x-kubernetes-patch-strategy":"merge"},
          "plain":{"type":"array","items":{"type":"string"}},
          "items":{"type":"array","x-kubernetes-patch-strategy":"merge","x-kubernetes-patch-merge-key":"name",
            "items":{"type":"object","properties":{"name":{"type":"string"},"value":{"type":"string"}}}},
          "one":{"type":"object","x-kubernetes-patch-strategy":"retainKeys","properties":{"a":{"type":"string"},"b":{"type":"string"}}}}}
        """), _ => null);

    [Theory]
    [InlineData("merges by key", """{"items":[{"name":"a","value":"1"},{"name":"b"}]}""", """{"items":[{"name":"a","value":"2"},{"name":"c"}]}""",
        """{"items":[{"name":"a","value":"2"},{"name":"b"},{"name":"c"}]}""")]
    [InlineData("deletes by key", """{"items":[{"name":"a"},{"name":"b"}]}""", """{"items":[{"$patch":"delete","name":"a"}]}""", """{"items":[{"name":"b"}]}""")]
    [InlineData("replaces a list", """{"items":[{"name":"a"}]}""", """{"items":[{"name":"b"},{"$patch":"replace"}]}""", """{"items":[{"name":"b"}]}""")]
    [InlineData("replaces an object", """{"one":{"a":"1"}}""", """{"one":{"$patch":"replace","b":"2"}}""", """{"one":{"b":"2"}}""")]
    [InlineData("retains keys", """{"one":{"a":"1","c":"3"}}""", """{"one":{"$retainKeys":["b"],"b":"2"}}""", """{"one":{"b":"2"}}""")]
    [InlineData("orders", """{"items":[{"name":"a"},{"name":"b"},{"name":"c"}]}""", """{"$setElementOrder/items":[{"name":"c"},{"name":"b"},{"name":"a"}]}""",
        """{"items":[{"name":"c"},{"name":"b"},{"name":"a"}]}""")]
    [InlineData("merges sets", """{"tags":["a","b"]}""", """{"tags":["b","c"]}""", """{"tags":["a","b","c"]}""")]
    [InlineData("deletes from sets", """{"tags":["a","b"]}""", """{"$deleteFromPrimitiveList/tags":["a"]}""", """{"tags":["b"]}""")]
    [InlineData("replaces plain lists", """{"plain":["a"]}""", """{"plain":["b"]}""", """{"plain":["b"]}""")]
    [InlineData("removes with null", """{"one":{"a":"1"},"plain":["a"]}""", """{"one":null}""", """{"plain":["a"]}""")]
    public void A_strategic_merge_patch(string what, string target, string patch, string expected)
    {
        var result = StrategicMergePatch.Apply(Objects.Parse(target), Objects.Parse(patch), Schema);
        Assert.True(JsonNode.DeepEquals(Objects.Parse(expected), result), $"{what}: {result.ToJsonString()}");
    }

    [Theory]
    [InlineData("A.1", """{"foo":"bar"}""", """[{"op":"add","path":"/baz","value":"qux"}]""", """{"foo":"bar","baz":"qux"}""")]
    [InlineData("A.2", """{"foo":["bar","baz"]}""", """[{"op":"add","path":"/foo/1","value":"qux"}]""", """{"foo":["bar","qux","baz"]}""")]
    [InlineData("A.4", """{"foo":["bar","qux","baz"]}""", """[{"op":"remove","path":"/foo/1"}]""", """{"foo":["bar","baz"]}""")]
    [InlineData("A.6", """{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}""", """[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]""",
        """{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}""")]
    [InlineData("A.14", """{"/":9,"~1":10}""", """[{"op":"test","path":"/~01","value":10}]""", """{"/":9,"~1":10}""")]
    [InlineData("A.16", """{"foo":["bar"]}""", """[{"op":"add","path":"/foo/-","value":["abc","def"]}]""", """{"foo":["bar",["abc","def"]]}""")]
    public void The_examples_of_RFC_6902(string name, string target, string patch, string expected)
    {
        var result = JsonPatch.Apply(Objects.Parse(target), JsonNode.Parse(patch)!);
        Assert.True(JsonNode.DeepEquals(Objects.Parse(expected), result), $"{name}: {result.ToJsonString()}");
    }

    [Theory]
    [InlineData("""[{"op":"test","path":"/baz","value":"bar"}]""")]
    [InlineData("""[{"op":"add","path":"/baz/bat","value":"qux"}]""")]
    [InlineData("""[{"op":"remove","path":"/nothing"}]""")]
    public void A_JSON_patch_that_fails_is_refused(string patch)
    {
        var refused = Assert.Throws<ApiStatusException>(() => JsonPatch.Apply(Objects.Parse("""{"baz":"qux"}"""), JsonNode.Parse(patch)!));
        Assert.Equal(422, refused.Code);
    }

    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{}""", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    public void The_examples_of_RFC_7386(string target, string patch, string expected)
    {
        var result = MergePatch.Apply(Objects.Parse(target), Objects.Parse(patch));
        Assert.True(JsonNode.DeepEquals(Objects.Parse(expected), result), result.ToJsonString());
    }
}
