using Weft.Model.Selectors;

namespace Weft.Model.Cluster;

/// <summary>A namespace and its labels (kubernetes.io/metadata.name among them).</summary>
public sealed record Namespace(string Name, Labels Labels)
{
    /// <summary>Annotations of weft.dev only.</summary>
    public Labels Annotations { get; init; } = Labels.Empty;
}
