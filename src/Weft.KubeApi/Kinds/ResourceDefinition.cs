using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds;

/// <summary>
/// Everything that the server needs to know of one version of one resource. The life of a write:
/// decode, unknown fields and pruning by <see cref="Schema"/>, <see cref="Default"/>, <see cref="PrepareForCreate"/> or
/// <see cref="PrepareForUpdate"/>, <see cref="Admit"/>, schema and <see cref="Validate"/>, store, <see cref="Committed"/>.
/// Metadata (names, labels, finalizers, generation, uid, timestamps, managedFields) is the server's own work, not the hooks'.
/// </summary>
public sealed record ResourceDefinition
{
    /// <summary>Empty for the core group.</summary>
    public required string Group { get; init; }

    public required string Version { get; init; }

    public required string Kind { get; init; }

    public required string Plural { get; init; }

    public required string Singular { get; init; }

    public IReadOnlyList<string> ShortNames { get; init; } = [];

    public IReadOnlyList<string> Categories { get; init; } = [];

    public required bool Namespaced { get; init; }

    /// <summary>
    /// Has a <c>status</c> subresource: writes to the object leave <c>status</c> alone, writes to <c>status</c> change only it
    /// (the server does both; the hooks only do what differs).
    /// </summary>
    public bool HasStatus { get; init; }

    /// <summary>Null without a <c>scale</c> subresource.</summary>
    public ScalePaths? Scale { get; init; }

    public bool HasScale => Scale is not null;

    /// <summary>
    /// OpenAPI v3 schema of the whole object (apiVersion, kind and metadata included or not: the server knows those), with the
    /// extensions <c>x-kubernetes-list-type</c>, <c>x-kubernetes-list-map-keys</c>, <c>x-kubernetes-map-type</c>,
    /// <c>x-kubernetes-patch-merge-key</c>, <c>x-kubernetes-patch-strategy</c>, <c>x-kubernetes-preserve-unknown-fields</c>,
    /// <c>x-kubernetes-int-or-string</c>, <c>x-kubernetes-embedded-resource</c>. May hold
    /// <c>{"$ref": "#/components/schemas/NAME"}</c> to what <see cref="ResourceRegistry.AddComponent"/> was given.
    /// </summary>
    public required JsonObject Schema { get; init; }

    /// <summary>Component name in /openapi/v3, such as <c>io.k8s.api.core.v1.Pod</c>; null lets the server make one from the group.</summary>
    public string? SchemaName { get; init; }

    /// <summary>
    /// True for custom resources: defaults, types and constraints written in <see cref="Schema"/> are applied and enforced by the
    /// server and unknown fields are pruned by default. Built-in kinds leave defaults and constraints to their hooks; types and
    /// unknown fields are checked by the schema either way.
    /// </summary>
    public bool Custom { get; init; }

    /// <summary>False where strategic merge patches are refused with 415, as they are for custom resources.</summary>
    public bool StrategicMerge => !Custom;

    /// <summary>
    /// True when a version bump of <c>metadata.generation</c> follows changes outside of metadata and status. False for kinds that have
    /// no generation, such as ConfigMap.
    /// </summary>
    public bool HasGeneration { get; init; } = true;

    /// <summary>Fills absent fields in place. Runs on every write, so it must be repeatable.</summary>
    public Action<JsonObject>? Default { get; init; }

    /// <summary>
    /// Refuses bad objects: (new, old or null on create) to errors, none when it is good. Required and immutable fields are its matter.
    /// </summary>
    public Func<JsonObject, JsonObject?, IReadOnlyList<FieldError>>? Validate { get; init; }

    /// <summary>The same for writes of the status subresource; null accepts what the schema accepts.</summary>
    public Func<JsonObject, JsonObject, IReadOnlyList<FieldError>>? ValidateStatus { get; init; }

    /// <summary>Changes a new object in place before admission, such as setting its initial status (the server has removed any other).</summary>
    public Action<JsonObject>? PrepareForCreate { get; init; }

    /// <summary>(new, old): changes the new object in place before admission, such as restoring fields that may not change.</summary>
    public Action<JsonObject, JsonObject>? PrepareForUpdate { get; init; }

    /// <summary>Admission with access to the store, such as the allocation of a ClusterIP. Null admits everything.</summary>
    public Func<AdmissionRequest, CancellationToken, ValueTask>? Admit { get; init; }

    /// <summary>
    /// Runs after the change is stored and before the caller hears of it; at start once an object found in the database. For what must
    /// be in force at once, such as the registration of a CRD's resources or the release of an address. Must not throw.
    /// </summary>
    public Func<CommittedChange, CancellationToken, ValueTask>? Committed { get; init; }

    /// <summary>Columns of the Table form, Name first; empty stands for Name and Age.</summary>
    public IReadOnlyList<TableColumn> TableColumns { get; init; } = [];

    /// <summary>Dotted paths that field selectors may name besides metadata.name and metadata.namespace, such as <c>spec.nodeName</c>.</summary>
    public IReadOnlyList<string> SelectableFields { get; init; } = [];

    /// <summary>Checks metadata.name; returns what is wrong or null. Null asks for a DNS subdomain (RFC 1123).</summary>
    public Func<string, string?>? ValidateName { get; init; }

    /// <summary>
    /// Seconds of grace when a delete names none, for kinds whose deletion the node carries out (pods): the object stays with a
    /// deletionTimestamp until it is deleted with grace 0. Null, or a null answer, removes at once.
    /// </summary>
    public Func<JsonObject, int?>? DefaultGracePeriodSeconds { get; init; }

    /// <summary><c>v1</c> or <c>apps/v1</c>.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary><c>pods</c> or <c>deployments.apps</c>; the same for every version of a resource.</summary>
    public string Resource => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    public string ListKind => Kind + "List";
}

/// <summary>Dotted paths of the scale subresource, such as <c>spec.replicas</c>, <c>status.replicas</c>, <c>spec.selector</c>.</summary>
/// <param name="Selector">
/// Points at a metav1.LabelSelector object or at a string in selector form; null when the kind has none.
/// </param>
public sealed record ScalePaths(string SpecReplicas, string StatusReplicas, string? Selector);
