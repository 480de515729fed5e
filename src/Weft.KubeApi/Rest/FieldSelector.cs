using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Rest;

/// <summary>The string form of a field selector: <c>metadata.name=a,spec.nodeName!=b</c>.</summary>
internal sealed class FieldSelector
{
    private readonly List<(string Path, string Value, bool Equal)> _terms = [];

    public static FieldSelector Everything { get; } = new();

    public bool IsEverything => _terms.Count == 0;

    /// <exception cref="Client.ApiStatusException">400 when the text is no selector or names a field that cannot be selected by.</exception>
    public static FieldSelector Parse(string? text, ResourceDefinition definition)
    {
        if (string.IsNullOrWhiteSpace(text))
            return Everything;
        var selector = new FieldSelector();
        foreach (var part in text.Split(','))
        {
            var at = part.IndexOf('=');
            if (at <= 0)
                throw StatusErrors.BadRequest($"invalid field selector \"{text}\": found '{part}', expected field=value or field!=value");
            var equal = part[at - 1] != '!';
            var path = (equal ? part[..at] : part[..(at - 1)]).Trim();
            var value = part[(at + 1)..].TrimStart('=').Trim();
            if (path != "metadata.name" && path != "metadata.namespace" && !definition.SelectableFields.Contains(path))
                throw StatusErrors.BadRequest($"Unable to find \"{definition.Group}/{definition.Version}, Resource={definition.Plural}\" "
                    + $"that match label selector \"\", field selector \"{text}\": field label not supported: {path}");
            selector._terms.Add((path, value, equal));
        }
        return selector;
    }

    public bool Matches(JsonObject target)
    {
        foreach (var (path, value, equal) in _terms)
        {
            if ((Json.Scalar(Json.At(target, path)) == value) != equal)
                return false;
        }
        return true;
    }
}
