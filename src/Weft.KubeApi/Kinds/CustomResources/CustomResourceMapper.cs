using System.Globalization;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.CustomResources;

/// <summary>From a CustomResourceDefinition to the definitions of what it defines: one for each served version, the preferred first.</summary>
internal static class CustomResourceMapper
{
    public static IReadOnlyList<ResourceDefinition> Definitions(JsonObject crd)
    {
        var spec = crd.Object("spec");
        return [.. spec.Items("versions").Select(v => v.Item).Where(v => v.Flag("served"))
            .OrderBy(v => v.Text("name")!, VersionOrder.Instance).Select(v => Definition(spec!, v))];
    }

    private static ResourceDefinition Definition(JsonObject spec, JsonObject version)
    {
        var names = spec.Object("names");
        var subresources = version.Object("subresources");
        return new ResourceDefinition
        {
            Group = spec.Text("group") ?? "", Version = version.Text("name") ?? "",
            Kind = names.Text("kind") ?? "", Plural = names.Text("plural") ?? "",
            Singular = names.Text("singular") ?? names.Text("kind")!.ToLowerInvariant(),
            ShortNames = [.. names.Texts("shortNames")], Categories = [.. names.Texts("categories")],
            Namespaced = spec.Text("scope") == "Namespaced",
            Custom = true,
            HasStatus = subresources.Object("status") is not null,
            Scale = subresources.Object("scale") is { } scale ? ScalePathsOf(scale) : null,
            Schema = (JsonObject)(version.ObjectAt("schema", "openAPIV3Schema") ?? []).DeepClone(),
            SelectableFields = [.. version.Items("selectableFields").Select(f => Dotted(f.Item.Text("jsonPath"))).OfType<string>()],
            TableColumns = CustomColumns.Of(version),
        };
    }

    private static ScalePaths ScalePathsOf(JsonObject scale) =>
        new(Dotted(scale.Text("specReplicasPath")) ?? "", Dotted(scale.Text("statusReplicasPath")) ?? "", Dotted(scale.Text("labelSelectorPath")));

    private static string? Dotted(string? path) =>
        path is { Length: > 0 } && JsonPath.TryParse(path, out var parsed) && parsed.IsPlain ? parsed.Dotted : null;

    /// <summary>v10 before v2 before v1 before v11beta2 before v3alpha1 before anything else (k8s.io/apimachinery/pkg/version).</summary>
    internal sealed class VersionOrder : IComparer<string>
    {
        public static readonly VersionOrder Instance = new();

        public int Compare(string? x, string? y)
        {
            var (left, right) = (Rank(x ?? ""), Rank(y ?? ""));
            var order = right.CompareTo(left);
            return order != 0 ? order : string.CompareOrdinal(x, y);
        }

        private static (int Stability, int Major, int Minor) Rank(string version)
        {
            foreach (var (word, stability) in ((string, int)[])[("alpha", 1), ("beta", 2)])
            {
                var at = version.IndexOf(word, StringComparison.Ordinal);
                if (at > 1 && version[0] == 'v' && Number(version[1..at]) is { } major && Number(version[(at + word.Length)..]) is { } minor)
                    return (stability, major, minor);
            }
            return version.StartsWith('v') && Number(version[1..]) is { } stable ? (3, stable, 0) : (0, 0, 0);
        }

        private static int? Number(string text) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
    }
}
