using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Weft.KubeApi.Rest;

/// <summary>YAML request bodies as JSON nodes, with the scalars of the YAML 1.2 core schema (and yes/no left as strings).</summary>
public static class YamlReader
{
    /// <exception cref="YamlException">Not YAML, or more than one document.</exception>
    public static JsonNode? Parse(string text)
    {
        var parser = new Parser(new StringReader(text));
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _))
            return null;
        parser.Consume<DocumentStart>();
        var node = Read(parser);
        parser.Consume<DocumentEnd>();
        parser.Consume<StreamEnd>();
        return node;
    }

    private static JsonNode? Read(Parser parser)
    {
        if (parser.TryConsume<Scalar>(out var scalar))
            return Value(scalar);
        if (parser.TryConsume<SequenceStart>(out _))
        {
            var list = new JsonArray();
            while (!parser.TryConsume<SequenceEnd>(out _))
                list.Add(Read(parser));
            return list;
        }
        if (parser.TryConsume<MappingStart>(out _))
        {
            var map = new JsonObject();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                var key = parser.Consume<Scalar>();
                if (map.ContainsKey(key.Value))
                    throw new YamlException(key.Start, key.End, $"key \"{key.Value}\" is already set in map");
                map[key.Value] = Read(parser);
            }
            return map;
        }
        // Anchors would let a small body grow without bound.
        var found = parser.Current;
        throw new YamlException(found?.Start ?? Mark.Empty, found?.End ?? Mark.Empty, "aliases are not accepted here");
    }

    private static JsonValue? Value(Scalar scalar)
    {
        var text = scalar.Value;
        if (scalar.Style != ScalarStyle.Plain)
            return JsonValue.Create(text);
        return text switch
        {
            "" or "~" or "null" or "Null" or "NULL" => null,
            "true" or "True" or "TRUE" => JsonValue.Create(true),
            "false" or "False" or "FALSE" => JsonValue.Create(false),
            _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer) => JsonValue.Create(integer),
            _ when char.IsAsciiDigit(text[^1]) && text.All(c => char.IsAsciiDigit(c) || c is '+' or '-' or '.' or 'e' or 'E')
                && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
            _ => JsonValue.Create(text),
        };
    }
}
