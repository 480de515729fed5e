using Weft.Model.Selectors;

namespace Weft.Model.Cluster;

/// <summary>A namespace and its labels (kubernetes.io/metadata.name among them).</summary>
public sealed record Namespace(string Name, Labels Labels);
