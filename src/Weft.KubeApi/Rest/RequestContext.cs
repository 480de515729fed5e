using Weft.KubeApi.Security;

namespace Weft.KubeApi.Rest;

internal enum FieldValidation { Ignore, Warn, Strict }

/// <summary>Who asks and how. One a request; <see cref="Warnings"/> go back as Warning headers.</summary>
internal sealed class RequestContext
{
    public required UserInfo User { get; init; }

    /// <summary>Whose fields a write becomes, in metadata.managedFields.</summary>
    public required string FieldManager { get; init; }

    public bool DryRun { get; init; }

    public bool Force { get; init; }

    /// <summary>Server-side apply: the body carries managedFields that are worked out already.</summary>
    public bool Applied { get; init; }

    public FieldValidation Validation { get; init; } = FieldValidation.Warn;

    public List<string> Warnings { get; } = [];
}

/// <summary>metav1.DeleteOptions.</summary>
internal sealed record DeleteOptions(
    int? GracePeriodSeconds = null, string? PropagationPolicy = null, string? PreconditionUid = null, string? PreconditionResourceVersion = null);
