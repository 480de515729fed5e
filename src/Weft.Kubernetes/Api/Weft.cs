using System.Text.Json;
using System.Text.Json.Serialization;

namespace Weft.Kubernetes.Api;

// weft.dev/v1alpha1.

/// <summary>Where the API serves Weft's own resources.</summary>
public static class WeftApi
{
    public const string Version = "weft.dev/v1alpha1";

    public const string Path = "apis/" + Version;

    /// <summary>Keeps a block that was deleted until its node has emptied it.</summary>
    public const string InUseFinalizer = "weft.dev/in-use";
}

public sealed record ApiAddressPool : IApiObject
{
    public ApiMetadata? Metadata { get; init; }

    public ApiAddressPoolSpec? Spec { get; init; }
}

public sealed record ApiAddressPoolSpec
{
    public string? Cidr { get; init; }

    public int? BlockSize { get; init; }

    public ApiLabelSelector? NodeSelector { get; init; }

    public ApiLabelSelector? NamespaceSelector { get; init; }

    public List<string>? Reserved { get; init; }

    public bool? Disabled { get; init; }

    public bool? NatOutgoing { get; init; }

    public bool? StrictAffinity { get; init; }

    public string? Assignment { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

public sealed record ApiAddressBlock : IApiObject
{
    public ApiMetadata? Metadata { get; init; }

    public ApiAddressBlockSpec? Spec { get; init; }
}

public sealed record ApiAddressBlockSpec
{
    public string? Cidr { get; init; }

    public string? Pool { get; init; }

    public string? Node { get; init; }

    public List<ApiAddressLoan>? Loans { get; init; }
}

public sealed record ApiAddressLoan
{
    public string Id { get; init; } = "";

    public string Node { get; init; } = "";

    public string? Wanted { get; init; }

    public string? Address { get; init; }

    public string? Refused { get; init; }
}

/// <summary>An IPBlock as an agent makes it.</summary>
public sealed record ApiAddressBlockWritten
{
    public string ApiVersion { get; init; } = WeftApi.Version;

    public string Kind { get; init; } = "IPBlock";

    public required ApiBlockMetadata Metadata { get; init; }

    public required ApiAddressBlockSpec Spec { get; init; }
}

public sealed record ApiBlockMetadata(string Name, List<string> Finalizers);

/// <summary>A merge patch of an IPBlock that holds for one version of it only.</summary>
public sealed record ApiAddressBlockPatch(ApiBlockPatchMetadata Metadata, ApiAddressBlockPatchSpec? Spec = null);

/// <param name="Finalizers">Left as they are when null.</param>
public sealed record ApiBlockPatchMetadata(string ResourceVersion, List<string>? Finalizers = null);

public sealed record ApiAddressBlockPatchSpec(List<ApiAddressLoan> Loans);

/// <summary>meta/v1 DeleteOptions with its preconditions.</summary>
public sealed record ApiDeleteOptions(ApiPreconditions Preconditions)
{
    public string ApiVersion { get; init; } = "v1";

    public string Kind { get; init; } = "DeleteOptions";
}

public sealed record ApiPreconditions(string Uid, string ResourceVersion);
