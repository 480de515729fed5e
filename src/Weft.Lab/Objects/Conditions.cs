using System.Text.Json.Nodes;

namespace Weft.Lab.Objects;

/// <summary>The list of conditions that most statuses hold.</summary>
internal static class Conditions
{
    public static JsonObject? Find(JsonObject obj, string type) =>
        obj.Items("status", "conditions").FirstOrDefault(c => c.Str("type") == type);

    public static bool IsTrue(JsonObject obj, string type) => Find(obj, type).Str("status") == "True";

    /// <summary>A condition whose transition time moves only when its status does.</summary>
    public static JsonObject Make(
        JsonObject? current, string type, string status, DateTimeOffset now, string? reason = null, string? message = null)
    {
        var old = current is null ? null : Find(current, type);
        var condition = new JsonObject
        {
            ["type"] = type,
            ["status"] = status,
            ["lastTransitionTime"] = old.Str("status") == status && old.Str("lastTransitionTime") is { } since ? since : now.ToTime(),
        };
        if (reason is not null)
            condition["reason"] = reason;
        if (message is not null)
            condition["message"] = message;
        return condition;
    }
}
