using System.Text.Json.Nodes;

namespace Weft.KubeApi.Apply;

/// <summary>
/// A set of paths to fields, as a tree. Elements are in the form of FieldsV1: <c>f:NAME</c> for a field, <c>k:{"name":"a"}</c> for an item of
/// a list with keys, <c>v:"a"</c> for a member of a set (sigs.k8s.io/structured-merge-diff, fieldpath).
/// </summary>
internal sealed class FieldSet
{
    private readonly SortedDictionary<string, FieldSet> _children = new(StringComparer.Ordinal);

    /// <summary>True when the path that leads here is in the set, not only paths below it.</summary>
    public bool Member { get; set; }

    public IReadOnlyDictionary<string, FieldSet> Children => _children;

    public bool IsEmpty => !Member && _children.Count == 0;

    public static FieldSet Leaf() => new() { Member = true };

    public FieldSet? Find(string element) => _children.GetValueOrDefault(element);

    public void Set(string element, FieldSet child)
    {
        if (child.IsEmpty)
            _children.Remove(element);
        else
            _children[element] = child;
    }

    public FieldSet Clone()
    {
        var copy = new FieldSet { Member = Member };
        foreach (var (element, child) in _children)
            copy._children[element] = child.Clone();
        return copy;
    }

    public FieldSet Union(FieldSet? other)
    {
        var result = Clone();
        if (other is null)
            return result;
        result.Member |= other.Member;
        foreach (var (element, child) in other._children)
            result._children[element] = result.Find(element)?.Union(child) ?? child.Clone();
        return result;
    }

    public FieldSet Minus(FieldSet? other)
    {
        if (other is null)
            return Clone();
        var result = new FieldSet { Member = Member && !other.Member };
        foreach (var (element, child) in _children)
            result.Set(element, child.Minus(other.Find(element)));
        return result;
    }

    public FieldSet Intersect(FieldSet? other)
    {
        var result = new FieldSet();
        if (other is null)
            return result;
        result.Member = Member && other.Member;
        foreach (var (element, child) in _children)
            result.Set(element, child.Intersect(other.Find(element)));
        return result;
    }

    /// <summary>Every path of the set as Kubernetes writes it: <c>.spec.containers[name="a"].image</c>.</summary>
    public IEnumerable<string> Paths(string prefix = "")
    {
        if (Member && prefix.Length > 0)
            yield return prefix;
        foreach (var (element, child) in _children)
        {
            foreach (var path in child.Paths(prefix + Describe(element)))
                yield return path;
        }
    }

    public JsonObject ToFieldsV1()
    {
        var json = new JsonObject();
        if (Member && _children.Count > 0)
            json["."] = new JsonObject();
        foreach (var (element, child) in _children)
            json[element] = child.ToFieldsV1();
        return json;
    }

    public static FieldSet FromFieldsV1(JsonObject json)
    {
        var set = new FieldSet { Member = json.Count == 0 };
        foreach (var (element, value) in json)
        {
            if (element == ".")
                set.Member = true;
            else if (value is JsonObject child)
                set._children[element] = FromFieldsV1(child);
        }
        return set;
    }

    private static string Describe(string element)
    {
        if (element.StartsWith("f:", StringComparison.Ordinal))
            return "." + element[2..];
        if (!element.StartsWith("k:", StringComparison.Ordinal) || Json.Parse(element[2..]) is not JsonObject keys)
            return $"[={element[2..]}]";
        return $"[{string.Join(',', keys.Select(k => $"{k.Key}={Json.ToText(k.Value)}"))}]";
    }
}
