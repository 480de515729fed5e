using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Weft.Scenarios;

/// <summary>Kubernetes manifests (YAML documents in one file) as the JSON that the API server would be sent.</summary>
public static class ManifestReader
{
    /// <exception cref="YamlException">The text is not YAML.</exception>
    /// <exception cref="FormatException">A document is not an object with a kind.</exception>
    public static IReadOnlyList<JsonObject> Read(string yaml)
    {
        var stream = new YamlStream();
        using var reader = new StringReader(yaml);
        stream.Load(reader);
        var objects = new List<JsonObject>();
        foreach (var document in stream.Documents)
        {
            if (Convert(document.RootNode) is not JsonObject { } manifest || manifest["kind"] is null)
                throw new FormatException($"a manifest that begins at line {document.RootNode.Start.Line} is not an object with a kind");
            objects.Add(manifest);
        }
        return objects;
    }

    private static JsonNode? Convert(YamlNode node)
    {
        switch (node)
        {
            case YamlMappingNode mapping:
                var result = new JsonObject();
                foreach (var (key, value) in mapping.Children)
                    result[((YamlScalarNode)key).Value!] = Convert(value);
                return result;
            case YamlSequenceNode sequence:
                return new JsonArray([.. sequence.Children.Select(Convert)]);
            case YamlScalarNode scalar:
                return Scalar(scalar);
            default:
                throw new FormatException($"line {node.Start.Line}: aliases are not used in scenarios");
        }
    }

    // YAML 1.2 section 10.3, the core schema, as far as manifests need it: only plain scalars are anything but text.
    private static JsonValue? Scalar(YamlScalarNode scalar)
    {
        var text = scalar.Value ?? "";
        if (scalar.Style != ScalarStyle.Plain)
            return JsonValue.Create(text);
        return text switch
        {
            "" or "~" or "null" => null,
            "true" => JsonValue.Create(true),
            "false" => JsonValue.Create(false),
            _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
            _ => JsonValue.Create(text),
        };
    }
}
