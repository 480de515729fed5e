using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds;

/// <summary>
/// The resources that the server serves. Safe for concurrent use; CRDs add and remove definitions while it runs, and discovery and
/// OpenAPI follow. Versions of one resource are separate definitions of the same group and plural that share the stored objects; the one
/// added first is preferred.
/// </summary>
public sealed class ResourceRegistry
{
    private readonly Lock _gate = new();
    private State _state = new([], ImmutableDictionary<string, JsonObject>.Empty, 0);

    private sealed record State(ImmutableArray<ResourceDefinition> Definitions, ImmutableDictionary<string, JsonObject> Components, long Revision);

    /// <summary>Grows with every change: caches built from the registry compare it.</summary>
    public long Revision => _state.Revision;

    public IReadOnlyList<ResourceDefinition> Definitions => _state.Definitions;

    /// <summary>Shared schemas by component name.</summary>
    public IReadOnlyDictionary<string, JsonObject> Components => _state.Components;

    /// <summary>Adds a resource, or replaces the definition of the same group, version and plural.</summary>
    public void Add(ResourceDefinition definition)
    {
        lock (_gate)
        {
            var definitions = _state.Definitions;
            var at = IndexOf(definitions, definition.Group, definition.Version, definition.Plural);
            definitions = at < 0 ? definitions.Add(definition) : definitions.SetItem(at, definition);
            _state = _state with { Definitions = definitions, Revision = _state.Revision + 1 };
        }
    }

    /// <summary>Removes one version of a resource, or every version when <paramref name="version"/> is null. Absent ones are ignored.</summary>
    public void Remove(string group, string? version, string plural)
    {
        lock (_gate)
        {
            var left = _state.Definitions.RemoveAll(d => d.Group == group && d.Plural == plural && (version is null || d.Version == version));
            _state = _state with { Definitions = left, Revision = _state.Revision + 1 };
        }
    }

    /// <summary>Names a schema that definitions refer to as <c>#/components/schemas/NAME</c>.</summary>
    public void AddComponent(string name, JsonObject schema)
    {
        lock (_gate)
            _state = _state with { Components = _state.Components.SetItem(name, schema), Revision = _state.Revision + 1 };
    }

    public bool TryGet(string group, string version, string plural, [NotNullWhen(true)] out ResourceDefinition? definition)
    {
        var definitions = _state.Definitions;
        var at = IndexOf(definitions, group, version, plural);
        definition = at < 0 ? null : definitions[at];
        return at >= 0;
    }

    /// <summary>The preferred version of a resource named as <c>pods</c> or <c>deployments.apps</c>.</summary>
    public bool TryGet(string resource, [NotNullWhen(true)] out ResourceDefinition? definition)
    {
        foreach (var d in _state.Definitions)
        {
            if (resource.StartsWith(d.Plural, StringComparison.Ordinal) && d.Resource == resource)
            {
                definition = d;
                return true;
            }
        }
        definition = null;
        return false;
    }

    /// <summary>The definition that serves objects of an apiVersion and kind.</summary>
    public bool TryGetKind(string apiVersion, string kind, [NotNullWhen(true)] out ResourceDefinition? definition)
    {
        foreach (var d in _state.Definitions)
        {
            if (d.Kind == kind && d.ApiVersion == apiVersion)
            {
                definition = d;
                return true;
            }
        }
        definition = null;
        return false;
    }

    private static int IndexOf(ImmutableArray<ResourceDefinition> definitions, string group, string version, string plural)
    {
        for (var i = 0; i < definitions.Length; i++)
        {
            var d = definitions[i];
            if (d.Plural == plural && d.Version == version && d.Group == group)
                return i;
        }
        return -1;
    }
}
