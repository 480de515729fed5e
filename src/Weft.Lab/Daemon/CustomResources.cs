using System.Text.Json.Nodes;
using Weft.KubeApi.Rest;

namespace Weft.Lab.Daemon;

/// <summary>The CustomResourceDefinitions of deploy/crds, which a lab installs as <c>kubectl apply</c> would.</summary>
internal static class CustomResources
{
    private const string Folder = "crds/";

    public static IEnumerable<JsonObject> All()
    {
        var assembly = typeof(CustomResources).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.StartsWith(Folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return YamlReader.Parse(reader.ReadToEnd()) as JsonObject ?? throw new InvalidDataException($"{name} is no object");
        }
    }
}
