namespace Weft.Tools.SchemaGen;

/// <summary>What annotations.txt says of one field, or of a whole type under the field name "".</summary>
internal sealed record Annotation(string Directive, string[] Arguments);

/// <summary>
/// The hand-written half of the schemas. A line without indentation names a C# model type, without its version prefix;
/// an indented line names a JSON field of that type and what holds for it: <c>required</c>, <c>map(keys)</c>, <c>set</c>,
/// <c>atomic</c>, <c>mergeKey(key)</c>, <c>retainKeys</c>, <c>enum(a,b)</c>, <c>default(json)</c>, <c>min(n)</c>, <c>max(n)</c>.
/// </summary>
internal sealed class Annotations
{
    private readonly Dictionary<(string Type, string Field), List<Annotation>> _byField = [];
    private readonly HashSet<(string Type, string Field)> _used = [];

    public static Annotations Read(string path)
    {
        var result = new Annotations();
        var type = "";
        foreach (var raw in File.ReadLines(path))
        {
            var line = raw.TrimEnd();
            if (line.Length == 0 || line.StartsWith('#'))
                continue;
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var isType = !char.IsWhiteSpace(line[0]);
            if (isType)
                type = words[0];
            var directives = words.Skip(1).Select(Parse).ToList();
            if (directives.Count > 0)
                result._byField.Add((type, isType ? "" : words[0]), directives);
        }
        return result;
    }

    public IReadOnlyList<Annotation> Of(string type, string field)
    {
        if (!_byField.TryGetValue((type, field), out var found))
            return [];
        _used.Add((type, field));
        return found;
    }

    public IEnumerable<string> Unused() => _byField.Keys.Where(k => !_used.Contains(k)).Select(k => $"{k.Type}.{k.Field}");

    private static Annotation Parse(string word)
    {
        var open = word.IndexOf('(');
        return open < 0
            ? new Annotation(word, [])
            : new Annotation(word[..open], word[(open + 1)..^1] is var inner && word.StartsWith("default", StringComparison.Ordinal) ? [inner] : inner.Split(','));
    }
}
