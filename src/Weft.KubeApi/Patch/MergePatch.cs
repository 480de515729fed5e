using System.Text.Json.Nodes;

namespace Weft.KubeApi.Patch;

/// <summary>JSON Merge Patch, RFC 7386.</summary>
internal static class MergePatch
{
    /// <summary>Changes the target in place as section 2 says.</summary>
    public static JsonObject Apply(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            switch (value)
            {
                case null:
                    target.Remove(name);
                    break;
                case JsonObject child:
                    target[name] = Apply(target[name] as JsonObject is { } old ? (JsonObject)old.DeepClone() : [], child);
                    break;
                default:
                    target[name] = value.DeepClone();
                    break;
            }
        }
        return target;
    }
}
