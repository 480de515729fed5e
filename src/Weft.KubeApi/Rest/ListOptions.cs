namespace Weft.KubeApi.Rest;

/// <summary>metav1.ListOptions of a list or watch.</summary>
internal sealed record ListOptions
{
    public LabelSelector Labels { get; init; } = LabelSelector.Everything;

    public FieldSelector Fields { get; init; } = FieldSelector.Everything;

    /// <summary>Null when not given or empty.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Exact, NotOlderThan or null.</summary>
    public string? ResourceVersionMatch { get; init; }

    /// <summary>0 for all.</summary>
    public int Limit { get; init; }

    public string? Continue { get; init; }

    public bool AllowWatchBookmarks { get; init; }

    public bool? SendInitialEvents { get; init; }

    public TimeSpan? Timeout { get; init; }

    public bool Matches(Storage.StoredObject candidate) =>
        (Labels.IsEverything || Labels.Matches(candidate.Metadata["labels"] as System.Text.Json.Nodes.JsonObject))
        && (Fields.IsEverything || Fields.Matches(candidate.Object));
}
