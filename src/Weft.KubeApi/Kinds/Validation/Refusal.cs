using System.Text.Json.Nodes;
using Weft.KubeApi.Client;

namespace Weft.KubeApi.Kinds.Validation;

/// <summary>Refusals by admission, which come before validation.</summary>
internal static class Refusal
{
    public static ApiStatusException Invalid(ResourceDefinition definition, JsonObject obj, IReadOnlyList<FieldError> errors)
    {
        var name = obj.Object("metadata").Text("name") ?? "";
        var causes = new JsonArray();
        foreach (var error in errors)
            causes.Add((JsonNode)new JsonObject { ["reason"] = error.Reason, ["message"] = error.Body, ["field"] = error.Path });
        var kind = definition.Group.Length == 0 ? definition.Kind : $"{definition.Kind}.{definition.Group}";
        var list = errors.Count == 1 ? errors[0].ToString() : $"[{string.Join(", ", errors)}]";
        return new ApiStatusException(422, "Invalid", $"{kind} \"{name}\" is invalid: {list}",
            new JsonObject { ["name"] = name, ["group"] = definition.Group, ["kind"] = definition.Kind, ["causes"] = causes });
    }
}
