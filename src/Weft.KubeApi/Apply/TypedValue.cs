using System.Text.Json.Nodes;
using Weft.KubeApi.Schemas;

namespace Weft.KubeApi.Apply;

/// <summary>
/// Objects as their schema sees them: which parts are merged field by field or item by item, and which are replaced as a whole
/// (sigs.k8s.io/structured-merge-diff, typed). Without a schema, objects are merged and lists replaced.
/// </summary>
internal static class TypedValue
{
    /// <summary>The paths of everything that a value says.</summary>
    public static FieldSet Fields(JsonNode? value, StructuralSchema? schema)
    {
        var set = new FieldSet();
        switch (value)
        {
            case JsonObject target when IsGranular(schema) && target.Count > 0:
                foreach (var (name, child) in target)
                    set.Set("f:" + name, Fields(child, schema?.Property(name)));
                return set;
            case JsonArray list when IsKeyed(schema):
                foreach (var item in list)
                {
                    var fields = Fields(item, schema!.Items);
                    fields.Member = true;
                    set.Set(ItemElement(item, schema), fields);
                }
                return set;
            case JsonArray list when schema?.ListType == "set":
                foreach (var item in list)
                    set.Set("v:" + Json.ToText(item), FieldSet.Leaf());
                return set;
            default:
                return FieldSet.Leaf();
        }
    }

    /// <summary>The paths of <paramref name="now"/> that were not there before or had another value.</summary>
    public static FieldSet Changes(JsonNode? old, JsonNode? now, StructuralSchema? schema)
    {
        if (old is null)
            return Fields(now, schema);
        var set = new FieldSet();
        switch (now)
        {
            case JsonObject target when old is JsonObject before && IsGranular(schema) && target.Count > 0:
                foreach (var (name, child) in target)
                    set.Set("f:" + name, before.TryGetPropertyValue(name, out var was)
                        ? Changes(was, child, schema?.Property(name)) : Fields(child, schema?.Property(name)));
                return set;
            case JsonArray list when old is JsonArray before && IsKeyed(schema):
                var known = Index(before, schema!);
                foreach (var item in list)
                {
                    var element = ItemElement(item, schema!);
                    if (known.TryGetValue(element, out var was))
                    {
                        set.Set(element, Changes(was, item, schema!.Items));
                        continue;
                    }
                    var fields = Fields(item, schema!.Items);
                    fields.Member = true;
                    set.Set(element, fields);
                }
                return set;
            case JsonArray when old is JsonArray && schema?.ListType == "set":
                return Fields(now, schema).Minus(Fields(old, schema));
            default:
                return Json.Same(old, now) ? set : Fields(now, schema);
        }
    }

    /// <summary>What the live value becomes when a configuration is applied to it.</summary>
    public static JsonNode? Merge(JsonNode? live, JsonNode? applied, StructuralSchema? schema)
    {
        switch (applied)
        {
            case JsonObject target when live is JsonObject before && IsGranular(schema):
                var merged = (JsonObject)before.DeepClone();
                foreach (var (name, child) in target)
                    merged[name] = Merge(before[name], child, schema?.Property(name));
                return merged;
            case JsonArray list when live is JsonArray before && IsKeyed(schema):
                return MergeItems(before, list, schema!);
            case JsonArray list when live is JsonArray before && schema?.ListType == "set":
                var union = (JsonArray)before.DeepClone();
                foreach (var item in list)
                {
                    if (!union.Any(seen => Json.Same(seen, item)))
                        union.Add(item?.DeepClone());
                }
                return union;
            default:
                return applied?.DeepClone();
        }
    }

    /// <summary>Removes the paths of a set from a value, save what is in <paramref name="kept"/> or below it. Null when nothing is left.</summary>
    public static JsonNode? Remove(JsonNode? value, FieldSet remove, FieldSet? kept, StructuralSchema? schema)
    {
        switch (value)
        {
            case JsonObject target:
                foreach (var (element, child) in remove.Children)
                {
                    var name = element.StartsWith("f:", StringComparison.Ordinal) ? element[2..] : null;
                    if (name is null || !target.TryGetPropertyValue(name, out var old))
                        continue;
                    var keep = kept?.Find(element);
                    if (keep is null && child.Member)
                    {
                        target.Remove(name);
                        continue;
                    }
                    target.Remove(name);
                    var left = Remove(old, child, keep, schema?.Property(name));
                    if (left is not null && (keep is not null || left is not (JsonObject { Count: 0 } or JsonArray { Count: 0 })))
                        target[name] = left;
                }
                return target;
            case JsonArray list when schema is not null:
                for (var i = list.Count - 1; i >= 0; i--)
                {
                    var element = IsKeyed(schema) ? ItemElement(list[i], schema) : "v:" + Json.ToText(list[i]);
                    if (remove.Find(element) is not { } child)
                        continue;
                    var keep = kept?.Find(element);
                    if (keep is null && child.Member)
                    {
                        list.RemoveAt(i);
                    }
                    else if (list[i] is JsonObject item)
                    {
                        list[i] = null;
                        list[i] = Remove(item, child, keep, schema.Items);
                    }
                }
                return list;
            default:
                return value;
        }
    }

    private static JsonArray MergeItems(JsonArray live, JsonArray applied, StructuralSchema schema)
    {
        var wanted = Index(applied, schema);
        var result = new JsonArray();
        var placed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in live)
        {
            var element = ItemElement(item, schema);
            result.Add(wanted.TryGetValue(element, out var change) ? Merge(item, change, schema.Items) : item?.DeepClone());
            placed.Add(element);
        }
        foreach (var item in applied)
        {
            if (placed.Add(ItemElement(item, schema)))
                result.Add(item?.DeepClone());
        }
        return result;
    }

    private static Dictionary<string, JsonNode?> Index(JsonArray list, StructuralSchema schema)
    {
        var index = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var item in list)
            index[ItemElement(item, schema)] = item;
        return index;
    }

    private static string ItemElement(JsonNode? item, StructuralSchema schema)
    {
        var keys = new JsonObject();
        foreach (var name in schema.ListMapKeys.Order(StringComparer.Ordinal))
        {
            // A key that is left out has its default; the protocol of a port is the one such key whose default is not always in the schema.
            var value = (item as JsonObject)?[name] ?? schema.Items?.Property(name)?.Default ?? (name == "protocol" ? JsonValue.Create("TCP") : null);
            if (value is not null)
                keys[name] = value.DeepClone();
        }
        return "k:" + Json.ToText(keys);
    }

    private static bool IsGranular(StructuralSchema? schema) => schema?.MapType != "atomic";

    private static bool IsKeyed(StructuralSchema? schema) => schema is { ListType: "map", ListMapKeys.Count: > 0 };
}
