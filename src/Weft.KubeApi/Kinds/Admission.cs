using System.Text.Json.Nodes;
using Weft.KubeApi.Client;

namespace Weft.KubeApi.Kinds;

public enum AdmissionOperation { Create, Update, Delete }

/// <summary>
/// What an admission hook sees before an object is validated and stored. It may change <see cref="Object"/>, refuse by throwing
/// <see cref="ApiStatusException"/>, and write other objects through <see cref="Client"/> unless <see cref="DryRun"/>.
/// </summary>
public sealed class AdmissionRequest
{
    public required AdmissionOperation Operation { get; init; }

    public required ResourceDefinition Definition { get; init; }

    /// <summary><c>status</c>, <c>scale</c>, ... or empty for the object itself.</summary>
    public string Subresource { get; init; } = "";

    /// <summary>The object to be stored; on delete the object about to go.</summary>
    public required JsonObject Object { get; init; }

    /// <summary>The stored object on update; read-only.</summary>
    public JsonObject? OldObject { get; init; }

    public bool DryRun { get; init; }

    public string User { get; init; } = "";

    /// <summary>The server itself, as its highest-privileged user.</summary>
    public required IApiClient Client { get; init; }

    /// <summary>What the client should know although the write goes ahead: sent as Warning headers (RFC 7234 section 5.5).</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Undo actions, run in reverse when the write is refused after this hook returned (validation, conflict).</summary>
    public List<Func<ValueTask>> Rollback { get; } = [];
}

/// <summary>
/// A change that is stored and visible. <see cref="Old"/> is null for a new object, <see cref="New"/> is null for one that is gone.
/// Objects are read-only.
/// </summary>
/// <param name="Replay">True when the server starts and tells of an object it found in its database.</param>
public sealed record CommittedChange(ResourceDefinition Definition, JsonObject? Old, JsonObject? New, IApiClient Client, bool Replay);
