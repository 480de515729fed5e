using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace Weft.Tools.SchemaGen;

/// <summary>Summaries from the XML documentation of the client package, by documentation id ("T:..." and "P:...").</summary>
internal sealed partial class Descriptions
{
    private readonly Dictionary<string, string> _byId = [];

    public static Descriptions OfKubernetesClient()
    {
        var result = new Descriptions();
        using var reader = XmlReader.Create(Path.Combine(AppContext.BaseDirectory, "KubernetesClient.xml"));
        reader.MoveToContent();
        while (!reader.EOF)
        {
            if (reader.NodeType == XmlNodeType.Element && reader.Name == "member" && reader.GetAttribute("name") is { } id
                && id.Contains(":k8s.Models.", StringComparison.Ordinal))
                result._byId[id] = Unwrap(((XElement)XNode.ReadFrom(reader)).Element("summary")?.Value ?? "");
            else
                reader.Read();
        }
        return result;
    }

    public string? Of(string id) => _byId.TryGetValue(id, out var text) && text.Length > 0 ? text : null;

    /// <summary>Undoes the wrapping at 80 columns; blank lines and list items keep their line.</summary>
    private static string Unwrap(string text)
    {
        var result = new StringBuilder();
        foreach (var line in text.Trim().Split('\n').Select(l => l.Trim()))
        {
            if (line.Length == 0)
                result.Append("\n\n");
            else if (result.Length == 0 || result[^1] == '\n')
                result.Append(line);
            else
                result.Append(ListItem().IsMatch(line) ? '\n' : ' ').Append(line);
        }
        return Blank().Replace(result.ToString(), "\n\n");
    }

    [GeneratedRegex(@"^([-*+]|\d+[.)])\s")]
    private static partial Regex ListItem();

    [GeneratedRegex(@"\n{3,}")]
    private static partial Regex Blank();
}
