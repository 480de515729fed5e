using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.CustomResources;

/// <summary>
/// The part of kubectl's JSONPath that CustomResourceDefinitions use: fields, quoted fields, indexes, <c>[*]</c> and filters such as
/// <c>.status.conditions[?(@.type=="Ready")].status</c> (kubernetes.io/docs/reference/kubectl/jsonpath).
/// </summary>
internal sealed class JsonPath
{
    private readonly List<Step> _steps;

    private JsonPath(List<Step> steps) => _steps = steps;

    /// <summary>True when the path is made of plain fields only, as those of the scale subresource must be.</summary>
    public bool IsPlain => _steps.TrueForAll(s => s is Field);

    /// <summary>The fields of a plain path joined by dots.</summary>
    public string Dotted => string.Join('.', _steps.OfType<Field>().Select(f => f.Name));

    public static bool TryParse(string text, out JsonPath path)
    {
        var steps = new List<Step>();
        var at = 0;
        var good = text.Length > 0 && text[0] is '.' or '[';
        while (good && at < text.Length)
        {
            var step = text[at] == '.' ? ReadField(text, ref at) : text[at] == '[' ? ReadBracket(text, ref at) : null;
            good = step is not null;
            if (step is not null)
                steps.Add(step);
        }
        path = new JsonPath(steps);
        return good;
    }

    /// <summary>All values that the path leads to, in document order.</summary>
    public IEnumerable<JsonNode> Select(JsonNode? root)
    {
        IEnumerable<JsonNode> found = root is null ? [] : [root];
        foreach (var step in _steps)
            found = found.SelectMany(step.Of);
        return found;
    }

    private static Field? ReadField(string text, ref int at)
    {
        var name = new StringBuilder();
        for (at++; at < text.Length && text[at] is not ('.' or '['); at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
                at++;
            name.Append(text[at]);
        }
        return name.Length == 0 ? null : new Field(name.ToString());
    }

    private static Step? ReadBracket(string text, ref int at)
    {
        var end = text.IndexOf(']', at);
        // A quoted field may hold a bracket.
        if (at + 1 < text.Length && text[at + 1] is '\'' or '"' && text.IndexOf($"{text[at + 1]}]", at + 2, StringComparison.Ordinal) is var quoted and > 0)
            end = quoted + 1;
        if (end < 0)
            return null;
        var inner = text[(at + 1)..end];
        at = end + 1;
        if (inner == "*")
            return new Each();
        if (int.TryParse(inner, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
            return new Index(index);
        if (inner.Length > 2 && inner[0] is '\'' or '"' && inner[^1] == inner[0])
            return new Field(inner[1..^1]);
        return inner.StartsWith("?(", StringComparison.Ordinal) && inner[^1] == ')' ? ReadFilter(inner[2..^1]) : null;
    }

    private static Filter? ReadFilter(string text)
    {
        foreach (var sign in (ReadOnlySpan<string>)["==", "!="])
        {
            var at = text.IndexOf(sign, StringComparison.Ordinal);
            if (at <= 0 || !text.StartsWith('@') || !TryParse(text[1..at].Trim(), out var path))
                continue;
            var value = text[(at + 2)..].Trim();
            if (value.Length > 1 && value[0] is '\'' or '"' && value[^1] == value[0])
                value = value[1..^1];
            return new Filter(path, value, sign == "==");
        }
        return null;
    }

    private abstract record Step
    {
        public abstract IEnumerable<JsonNode> Of(JsonNode node);
    }

    private sealed record Field(string Name) : Step
    {
        public override IEnumerable<JsonNode> Of(JsonNode node) => node is JsonObject obj && obj[Name] is { } value ? [value] : [];
    }

    private sealed record Index(int At) : Step
    {
        public override IEnumerable<JsonNode> Of(JsonNode node)
        {
            if (node is not JsonArray array)
                return [];
            var at = At < 0 ? array.Count + At : At;
            return at >= 0 && at < array.Count && array[at] is { } value ? [value] : [];
        }
    }

    private sealed record Each : Step
    {
        public override IEnumerable<JsonNode> Of(JsonNode node) => node switch
        {
            JsonArray array => array.OfType<JsonNode>(),
            JsonObject obj => obj.Select(f => f.Value).OfType<JsonNode>(),
            _ => [],
        };
    }

    private sealed record Filter(JsonPath Path, string Value, bool Equal) : Step
    {
        public override IEnumerable<JsonNode> Of(JsonNode node) =>
            node is JsonArray array ? array.OfType<JsonNode>().Where(Matches) : [];

        private bool Matches(JsonNode item) => Path.Select(item).Any(v => TextOf(v) == Value) == Equal;

        private static string TextOf(JsonNode value) => value.GetValueKind() == JsonValueKind.String ? value.AsText()! : value.ToJsonString();
    }
}
