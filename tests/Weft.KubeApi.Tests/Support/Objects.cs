using System.Text.Json.Nodes;

namespace Weft.KubeApi.Tests.Support;

internal static class Objects
{
    public static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();

    public static JsonObject ConfigMap(string name, string key = "k", string value = "v") => new()
    {
        ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["metadata"] = new JsonObject { ["name"] = name },
        ["data"] = new JsonObject { [key] = value },
    };

    public static JsonObject Namespace(string name) => new()
    {
        ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = name },
    };

    public static JsonObject Pod(string name, string? node = null, string app = "web")
    {
        var pod = Parse("""{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"main","image":"none","command":["sleep","1"]}]}}""");
        pod["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["app"] = app } };
        if (node is not null)
            pod["spec"]!["nodeName"] = node;
        return pod;
    }
}
