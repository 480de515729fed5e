using System.Text.Json.Nodes;
using Weft.KubeApi.Rest;
using Weft.KubeApi.Schemas;

namespace Weft.KubeApi.Patch;

/// <summary>
/// Strategic merge patch: a merge patch in which lists whose schema says so are merged by key or as sets, and directives delete,
/// replace, order and retain (k8s.io/apimachinery/pkg/util/strategicpatch; documented in the API conventions).
/// </summary>
internal static class StrategicMergePatch
{
    private const string Directive = "$patch";
    private const string RetainKeys = "$retainKeys";
    private const string DeleteFromList = "$deleteFromPrimitiveList/";
    private const string ElementOrder = "$setElementOrder/";

    /// <summary>Changes the target in place and returns what it becomes.</summary>
    public static JsonObject Apply(JsonObject target, JsonObject patch, StructuralSchema? schema)
    {
        switch (Json.Text(patch[Directive]))
        {
            case "replace":
                return Clean(patch);
            case "delete":
                return [];
            case null or "merge":
                break;
            case var other:
                throw StatusErrors.BadRequest($"strategic merge patch: unknown $patch directive \"{other}\": expected replace, delete or merge");
        }
        if (patch[RetainKeys] is JsonArray retain)
        {
            var keep = Json.Strings(retain).ToHashSet(StringComparer.Ordinal);
            foreach (var name in target.Select(p => p.Key).Where(name => !keep.Contains(name)).ToArray())
                target.Remove(name);
        }
        foreach (var (name, value) in patch)
        {
            if (name is Directive or RetainKeys || name.StartsWith(ElementOrder, StringComparison.Ordinal))
                continue;
            if (name.StartsWith(DeleteFromList, StringComparison.Ordinal))
                DeletePrimitives(target, name[DeleteFromList.Length..], value as JsonArray ?? []);
            else
                Field(target, name, value, schema?.Property(name));
        }
        foreach (var (name, value) in patch)
        {
            if (name.StartsWith(ElementOrder, StringComparison.Ordinal) && value is JsonArray order)
                Order(target, name[ElementOrder.Length..], order, schema);
        }
        return target;
    }

    private static void Field(JsonObject target, string name, JsonNode? value, StructuralSchema? schema)
    {
        switch (value)
        {
            case null:
                target.Remove(name);
                break;
            case JsonObject patch when target[name] is JsonObject child:
                target.Remove(name);
                var merged = Apply(child, patch, schema);
                if (Json.Text(patch[Directive]) != "delete")
                    target[name] = merged;
                break;
            case JsonObject patch:
                if (Json.Text(patch[Directive]) != "delete")
                    target[name] = Clean(patch);
                break;
            case JsonArray list when schema is { PatchMerge: true }:
                target[name] = MergeList(target[name] as JsonArray ?? [], list, schema, name);
                break;
            case JsonArray list:
                target[name] = CleanList(list);
                break;
            default:
                target[name] = value.DeepClone();
                break;
        }
    }

    private static JsonArray MergeList(JsonArray old, JsonArray patch, StructuralSchema schema, string name)
    {
        if (schema.PatchMergeKey is not { } key || patch.All(p => p is JsonValue))
        {
            var set = new JsonArray();
            foreach (var item in old.Concat(patch))
            {
                if (!set.Any(seen => Json.Same(seen, item)))
                    set.Add(item?.DeepClone());
            }
            return set;
        }
        if (patch.OfType<JsonObject>().Any(p => Json.Text(p[Directive]) == "replace" && p.Count == 1))
            return CleanList(patch);
        var result = (JsonArray)old.DeepClone();
        foreach (var node in patch)
        {
            if (node is not JsonObject item)
                throw StatusErrors.BadRequest($"strategic merge patch: {name}: found {Json.ToText(node)}, expected an object with {key}");
            var id = item[key];
            if (id is null)
                throw StatusErrors.BadRequest($"strategic merge patch: map: {Json.ToText(item)} does not contain declared merge key: {key}");
            var at = IndexOf(result, key, id);
            if (Json.Text(item[Directive]) == "delete")
            {
                // Duplicates by key go together, as they cannot be told apart.
                for (; at >= 0; at = IndexOf(result, key, id))
                    result.RemoveAt(at);
            }
            else if (at >= 0)
            {
                var existing = (JsonObject)result[at]!;
                result[at] = Apply((JsonObject)existing.DeepClone(), item, schema.Items);
            }
            else
            {
                result.Add((JsonNode)Clean(item));
            }
        }
        return result;
    }

    // Items named in the order stand in that order; the server's own keep their place relative to what they followed.
    private static void Order(JsonObject target, string name, JsonArray order, StructuralSchema? schema)
    {
        if (target[name] is not JsonArray list)
            return;
        var key = schema?.Property(name)?.PatchMergeKey;
        bool Same(JsonNode? item, JsonNode? wanted) =>
            key is not null && wanted is JsonObject w ? Json.Same((item as JsonObject)?[key], w[key]) : Json.Same(item, wanted);
        var items = list.Select(item => item?.DeepClone()).ToList();
        var ordered = order.Select(wanted => items.FindIndex(item => Same(item, wanted))).Where(at => at >= 0).Distinct().ToList();
        var rest = Enumerable.Range(0, items.Count).Where(at => !ordered.Contains(at)).ToList();
        var result = new JsonArray();
        int left = 0, right = 0;
        while (left < ordered.Count || right < rest.Count)
        {
            // A server-only item goes before an ordered one that it stood before.
            if (right < rest.Count && (left >= ordered.Count || rest[right] < ordered[left]))
                result.Add(items[rest[right++]]);
            else
                result.Add(items[ordered[left++]]);
        }
        target[name] = result;
    }

    private static void DeletePrimitives(JsonObject target, string name, JsonArray values)
    {
        if (target[name] is not JsonArray list)
            return;
        for (var i = list.Count - 1; i >= 0; i--)
        {
            if (values.Any(v => Json.Same(v, list[i])))
                list.RemoveAt(i);
        }
        if (list.Count == 0)
            target.Remove(name);
    }

    private static int IndexOf(JsonArray list, string key, JsonNode id)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is JsonObject item && Json.Same(item[key], id))
                return i;
        }
        return -1;
    }

    // A patch that lands where nothing was: without its directives and nulls.
    private static JsonObject Clean(JsonObject patch)
    {
        var result = new JsonObject();
        foreach (var (name, value) in patch)
        {
            if (value is null || name is Directive or RetainKeys || name.StartsWith(DeleteFromList, StringComparison.Ordinal)
                || name.StartsWith(ElementOrder, StringComparison.Ordinal))
                continue;
            result[name] = value switch
            {
                JsonObject child => Clean(child),
                JsonArray list => CleanList(list),
                _ => value.DeepClone(),
            };
        }
        return result;
    }

    private static JsonArray CleanList(JsonArray patch)
    {
        var result = new JsonArray();
        foreach (var item in patch)
        {
            if (item is JsonObject child)
            {
                // Directive-only items say how, not what.
                if (child[Directive] is not null && (child.Count == 1 || Json.Text(child[Directive]) == "delete"))
                    continue;
                result.Add((JsonNode)Clean(child));
            }
            else
            {
                result.Add(item?.DeepClone());
            }
        }
        return result;
    }
}
