using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Tests.Kinds;

/// <summary>Runs the hooks of a kind in the order the server does, without a server.</summary>
internal sealed class KindFixture
{
    private int _uid;

    public KindFixture()
    {
        BuiltInKinds.Register(Registry);
    }

    public ResourceRegistry Registry { get; } = new();

    public RecordingClient Client { get; } = new();

    public static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();

    public ResourceDefinition Definition(string resource) =>
        Registry.TryGet(resource, out var definition) ? definition : throw new KeyNotFoundException(resource);

    /// <summary>What the object looks like just before it is validated.</summary>
    public JsonObject Create(string resource, string json, bool commit = true)
    {
        var definition = Definition(resource);
        var obj = Parse(json);
        obj.Ensure("metadata").SetDefault("name", "x");
        obj.Ensure("metadata")["uid"] = $"uid-{++_uid}";
        obj.Ensure("metadata")["creationTimestamp"] = "2026-01-01T00:00:00Z";
        if (definition.Namespaced)
            obj.Ensure("metadata").SetDefault("namespace", "default");
        definition.Default?.Invoke(obj);
        definition.PrepareForCreate?.Invoke(obj);
        Admit(definition, AdmissionOperation.Create, obj, null);
        if (commit)
            Commit(definition, null, obj);
        return obj;
    }

    /// <summary>The old object with what a JSON merge patch changes.</summary>
    public JsonObject Update(string resource, JsonObject old, string mergePatch)
    {
        var definition = Definition(resource);
        var obj = (JsonObject)old.DeepClone();
        Merge(obj, Parse(mergePatch));
        definition.Default?.Invoke(obj);
        definition.PrepareForUpdate?.Invoke(obj, old);
        Admit(definition, AdmissionOperation.Update, obj, old);
        return obj;
    }

    public void Commit(ResourceDefinition definition, JsonObject? old, JsonObject? now) =>
        definition.Committed?.Invoke(new CommittedChange(definition, old, now, Client, Replay: false), default).AsTask().GetAwaiter().GetResult();

    public void Delete(string resource, JsonObject old) => Commit(Definition(resource), old, null);

    public string[] CreateErrors(string resource, string json)
    {
        var definition = Definition(resource);
        try
        {
            return Errors(definition, Create(resource, json, commit: false), null);
        }
        catch (ApiStatusException e)
        {
            return Causes(e);
        }
    }

    public string[] UpdateErrors(string resource, JsonObject old, string mergePatch)
    {
        try
        {
            return Errors(Definition(resource), Update(resource, old, mergePatch), old);
        }
        catch (ApiStatusException e)
        {
            return Causes(e);
        }
    }

    public static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (key, value) in patch)
        {
            if (value is null)
                target.Remove(key);
            else if (value is JsonObject inner && target[key] is JsonObject existing)
                Merge(existing, inner);
            else
                target[key] = value.DeepClone();
        }
    }

    /// <summary>Cells of an object's row, keyed by column name.</summary>
    public Dictionary<string, string> Row(string resource, string json, string now = "2026-01-01T01:00:00Z") =>
        Definition(resource).TableColumns.ToDictionary(
            c => c.Name, c => c.Value(Parse(json), DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture))?.ToString() ?? "");

    private static string[] Errors(ResourceDefinition definition, JsonObject obj, JsonObject? old) =>
        [.. (definition.Validate?.Invoke(obj, old) ?? []).Select(e => e.ToString())];

    private static string[] Causes(ApiStatusException e) =>
        [.. e.Details!["causes"]!.AsArray().Select(c => $"{c!["field"]}: {c["message"]}")];

    private void Admit(ResourceDefinition definition, AdmissionOperation operation, JsonObject obj, JsonObject? old)
    {
        var request = new AdmissionRequest { Operation = operation, Definition = definition, Object = obj, OldObject = old, Client = Client };
        definition.Admit?.Invoke(request, default).AsTask().GetAwaiter().GetResult();
    }
}
