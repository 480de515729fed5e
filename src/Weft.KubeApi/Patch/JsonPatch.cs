using System.Globalization;
using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Rest;

namespace Weft.KubeApi.Patch;

/// <summary>JSON Patch, RFC 6902.</summary>
internal static class JsonPatch
{
    // As the Kubernetes API server limits it (maxJSONPatchOperations).
    private const int MaxOperations = 10_000;

    /// <summary>The patched document; the target passed in may be changed and is not used further.</summary>
    public static JsonObject Apply(JsonObject target, JsonNode patch)
    {
        if (patch is not JsonArray operations)
            throw StatusErrors.BadRequest("a JSON patch is an array of operations (RFC 6902 section 3)");
        if (operations.Count > MaxOperations)
            throw StatusErrors.TooLarge($"The allowed maximum operations in a JSON patch is {MaxOperations}, got {operations.Count}");
        JsonNode? document = target;
        for (var i = 0; i < operations.Count; i++)
        {
            if (operations[i] is not JsonObject operation)
                throw StatusErrors.BadRequest($"JSON patch operation {i} is not an object");
            document = Step(document, operation, i);
        }
        return document as JsonObject ?? throw StatusErrors.BadRequest("the JSON patch leaves something that is not an object");
    }

    private static JsonNode? Step(JsonNode? document, JsonObject operation, int index)
    {
        var name = Json.Text(operation["op"]);
        var path = Pointer(operation, "path", index);
        switch (name)
        {
            case "add":
                return Add(document, path, Value(operation, index)?.DeepClone(), index);
            case "remove":
                Remove(document, path, index);
                return document;
            case "replace":
                if (path.Length == 0)
                    return Value(operation, index)?.DeepClone();
                Find(document, path, index);
                Remove(document, path, index);
                return Add(document, path, Value(operation, index)?.DeepClone(), index);
            case "move":
            {
                var from = Pointer(operation, "from", index);
                if (path.Length > from.Length && path.AsSpan(0, from.Length).SequenceEqual(from))
                    throw Failed(index, "cannot move a value into itself");
                var moved = Find(document, from, index)?.DeepClone();
                Remove(document, from, index);
                return Add(document, path, moved, index);
            }
            case "copy":
                return Add(document, path, Find(document, Pointer(operation, "from", index), index)?.DeepClone(), index);
            case "test":
                if (!Json.Same(Find(document, path, index), Value(operation, index)))
                    throw Failed(index, $"testing value {operation["path"]} failed");
                return document;
            default:
                throw StatusErrors.BadRequest(
                    $"JSON patch operation {index}: found op {Json.ToText(operation["op"])}, expected add, remove, replace, move, copy or test");
        }
    }

    private static JsonNode? Add(JsonNode? document, string[] path, JsonNode? value, int index)
    {
        if (path.Length == 0)
            return value;
        switch (Find(document, path[..^1], index))
        {
            case JsonObject parent:
                parent[path[^1]] = value;
                break;
            case JsonArray list:
                list.Insert(path[^1] == "-" ? list.Count : At(path[^1], list.Count, index), value);
                break;
            default:
                throw Failed(index, $"the parent of \"/{string.Join('/', path)}\" is neither an object nor an array");
        }
        return document;
    }

    private static void Remove(JsonNode? document, string[] path, int index)
    {
        if (path.Length == 0)
            throw Failed(index, "the whole document cannot be removed");
        switch (Find(document, path[..^1], index))
        {
            case JsonObject parent when parent.Remove(path[^1]):
                return;
            case JsonArray list:
                list.RemoveAt(At(path[^1], list.Count - 1, index));
                return;
            default:
                throw Failed(index, $"nothing is at \"/{string.Join('/', path)}\" to remove");
        }
    }

    private static JsonNode? Find(JsonNode? node, string[] path, int index)
    {
        foreach (var step in path)
        {
            node = node switch
            {
                JsonObject parent when parent.TryGetPropertyValue(step, out var child) => child,
                JsonArray list => list[At(step, list.Count - 1, index)],
                _ => throw Failed(index, $"nothing is at \"/{string.Join('/', path)}\""),
            };
        }
        return node;
    }

    private static int At(string step, int last, int index)
    {
        // RFC 6901 section 4: digits without a leading zero.
        if (int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at <= last && (step.Length == 1 || step[0] != '0'))
            return at;
        throw Failed(index, $"array index \"{step}\" is out of bounds");
    }

    private static string[] Pointer(JsonObject operation, string field, int index)
    {
        var text = Json.Text(operation[field]) ?? throw StatusErrors.BadRequest($"JSON patch operation {index} has no {field}");
        if (text.Length == 0)
            return [];
        if (text[0] != '/')
            throw StatusErrors.BadRequest($"JSON patch operation {index}: {field} \"{text}\" is not a JSON pointer, which begins with \"/\"");
        return text[1..].Split('/').Select(s => s.Replace("~1", "/").Replace("~0", "~")).ToArray();
    }

    private static JsonNode? Value(JsonObject operation, int index) =>
        operation.TryGetPropertyValue("value", out var value) ? value : throw StatusErrors.BadRequest($"JSON patch operation {index} has no value");

    private static ApiStatusException Failed(int index, string why) =>
        new(422, "Invalid", $"the server rejected our request due to an error in our request: JSON patch operation {index}: {why}");
}
