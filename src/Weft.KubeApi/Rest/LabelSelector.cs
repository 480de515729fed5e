using System.Text.Json.Nodes;

namespace Weft.KubeApi.Rest;

/// <summary>
/// The string form of a label selector: <c>a=b,c!=d,e in (f,g),h notin (i),j,!k,l&gt;1</c>
/// (grammar in k8s.io/apimachinery/pkg/labels/selector.go).
/// </summary>
internal sealed class LabelSelector
{
    private readonly List<Requirement> _requirements = [];

    private sealed record Requirement(string Key, string Operator, IReadOnlyList<string> Values);

    public static LabelSelector Everything { get; } = new();

    public bool IsEverything => _requirements.Count == 0;

    /// <exception cref="Client.ApiStatusException">400 when the text is not a selector.</exception>
    public static LabelSelector Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return Everything;
        var selector = new LabelSelector();
        foreach (var part in Split(text))
            selector._requirements.Add(ParseOne(part.Trim(), text));
        return selector;
    }

    public bool Matches(JsonObject? labels)
    {
        foreach (var requirement in _requirements)
        {
            var value = Json.Text(labels?[requirement.Key]);
            var fits = requirement.Operator switch
            {
                "exists" => value is not null,
                "!" => value is null,
                "in" => value is not null && requirement.Values.Contains(value),
                "notin" => value is null || !requirement.Values.Contains(value),
                ">" => long.TryParse(value, out var more) && more > long.Parse(requirement.Values[0]),
                "<" => long.TryParse(value, out var less) && less < long.Parse(requirement.Values[0]),
                _ => false,
            };
            if (!fits)
                return false;
        }
        return true;
    }

    private static IEnumerable<string> Split(string text)
    {
        int start = 0, depth = 0;
        for (var i = 0; i < text.Length; i++)
        {
            depth += text[i] switch { '(' => 1, ')' => -1, _ => 0 };
            if (text[i] == ',' && depth == 0)
            {
                yield return text[start..i];
                start = i + 1;
            }
        }
        yield return text[start..];
    }

    private static Requirement ParseOne(string part, string whole)
    {
        if (part.StartsWith('!') && !part.Contains('='))
            return new Requirement(Key(part[1..].Trim(), whole), "!", []);
        var open = part.IndexOf('(');
        if (open > 0 && part.EndsWith(')'))
        {
            var words = part[..open].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is [var key, "in" or "notin"])
            {
                var values = part[(open + 1)..^1].Split(',').Select(v => v.Trim()).ToArray();
                return new Requirement(Key(key, whole), words[1], values);
            }
            throw Bad(whole, part);
        }
        foreach (var (text, name) in new[] { ("!=", "notin"), ("==", "in"), ("=", "in"), (">", ">"), ("<", "<") })
        {
            var at = part.IndexOf(text, StringComparison.Ordinal);
            if (at <= 0)
                continue;
            var value = part[(at + text.Length)..].Trim();
            if (value.AsSpan().IndexOfAny('=', '!', ' ') >= 0 || (name is ">" or "<" && !long.TryParse(value, out _)))
                throw Bad(whole, part);
            return new Requirement(Key(part[..at].Trim(), whole), name, [value]);
        }
        return new Requirement(Key(part, whole), "exists", []);
    }

    private static string Key(string key, string whole)
    {
        if (key.Length == 0 || key.Any(c => c is ' ' or '(' or ')' or '=' or '!' or ','))
            throw Bad(whole, key);
        return key;
    }

    private static Client.ApiStatusException Bad(string whole, string part) =>
        StatusErrors.BadRequest($"unable to parse requirement: found '{part}' in label selector \"{whole}\"; "
            + "expected key=value, key!=value, key in (a,b), key notin (a,b), key or !key, separated by commas");
}
