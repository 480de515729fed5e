using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Weft.KubeApi.Client;

namespace Weft.KubeApi.Kinds.CustomResources;

/// <summary>
/// Brings what a CustomResourceDefinition defines into the registry and out of it again, tells of it in the definition's status, and
/// removes the instances before the definition goes. One instance a server.
/// </summary>
internal sealed class CustomResourceLifecycle(ResourceRegistry registry)
{
    public const string Finalizer = "customresourcecleanup.apiextensions.k8s.io";

    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(5);

    /// <summary>Definitions whose instances are being removed, by name.</summary>
    private readonly ConcurrentDictionary<string, byte> _cleaning = new(StringComparer.Ordinal);

    /// <summary>
    /// Sets status before the object is stored, so that a client that created a definition can use it at once. Conditions carry the
    /// creation time: names are decided then and kept.
    /// </summary>
    public ValueTask AdmitAsync(AdmissionRequest request, CancellationToken cancel)
    {
        if (request.Operation == AdmissionOperation.Delete || request.Subresource.Length > 0)
            return ValueTask.CompletedTask;
        var crd = request.Object;
        if (request.Operation == AdmissionOperation.Create)
            AddFinalizer(crd);
        if (StructuralRules.HasRules(crd["spec"]))
            request.Warnings.Add("x-kubernetes-validations: CEL rules are stored but not evaluated by this API server");
        var conflict = Conflict(crd.Object("spec"));
        var status = crd.Ensure("status");
        if (conflict is null)
            status["acceptedNames"] = crd.Object("spec").Object("names")?.DeepClone();
        status["acceptedNames"] ??= new JsonObject { ["kind"] = "", ["plural"] = "" };
        var since = status.Items("conditions").Select(c => c.Item.Text("lastTransitionTime")).FirstOrDefault()
            ?? crd.Object("metadata").Text("creationTimestamp");
        status["conditions"] = new JsonArray(
            Condition("NamesAccepted", conflict is null, conflict is null ? "NoConflicts" : "NamesConflict", conflict ?? "no conflicts found", since),
            Condition("Established", conflict is null, conflict is null ? "InitialNamesAccepted" : "NotAccepted",
                conflict is null ? "the initial names have been accepted" : "not all names are accepted", since));
        var stored = status.Texts("storedVersions").ToList();
        if (crd.Object("spec").Items("versions").Select(v => v.Item).FirstOrDefault(v => v.Flag("storage")).Text("name") is { } storage
            && !stored.Contains(storage))
            stored.Add(storage);
        status["storedVersions"] = new JsonArray([.. stored.Select(v => JsonValue.Create(v))]);
        return ValueTask.CompletedTask;
    }

    public ValueTask CommittedAsync(CommittedChange change, CancellationToken cancel)
    {
        var was = change.Old is null ? [] : CustomResourceMapper.Definitions(change.Old);
        if (change.New is null)
        {
            foreach (var gone in was)
                registry.Remove(gone.Group, gone.Version, gone.Plural);
            return ValueTask.CompletedTask;
        }
        if (IsEstablished(change.New) && !(change.Old is not null && SameSpec(change.Old, change.New)))
            Register(was, CustomResourceMapper.Definitions(change.New));
        if (change.New.Object("metadata").Text("deletionTimestamp") is not null
            && change.New.Object("metadata").Texts("finalizers").Contains(Finalizer))
            StartCleaning(change.New, change.Client);
        return ValueTask.CompletedTask;
    }

    /// <summary>True when the API serves what the definition defines.</summary>
    public static bool IsEstablished(JsonObject crd) =>
        crd.Object("status").Items("conditions").Any(c => c.Item.Text("type") == "Established" && c.Item.Text("status") == "True");

    /// <summary>The order of versions is the order of adding, so a list that changed is added anew.</summary>
    private void Register(IReadOnlyList<ResourceDefinition> was, IReadOnlyList<ResourceDefinition> now)
    {
        if (!was.Select(d => d.Version).SequenceEqual(now.Select(d => d.Version)))
        {
            foreach (var old in was)
                registry.Remove(old.Group, old.Version, old.Plural);
        }
        foreach (var definition in now)
            registry.Add(definition);
    }

    private static bool SameSpec(JsonObject old, JsonObject now) => JsonNode.DeepEquals(old["spec"], now["spec"]) && IsEstablished(old);

    /// <summary>A name that another resource of the group has, or null.</summary>
    private string? Conflict(JsonObject? spec)
    {
        var (group, names) = (spec.Text("group"), spec.Object("names"));
        var plural = names.Text("plural");
        foreach (var other in registry.Definitions)
        {
            if (other.Group != group || other.Plural == plural)
                continue;
            if (other.Kind == names.Text("kind") || other.ListKind == names.Text("kind"))
                return $"\"{names.Text("kind")}\" is already in use";
            string?[] taken = [other.Plural, other.Singular, .. other.ShortNames];
            string?[] wanted = [plural, names.Text("singular"), .. names.Texts("shortNames")];
            if (wanted.FirstOrDefault(w => !string.IsNullOrEmpty(w) && taken.Contains(w)) is { } clash)
                return $"\"{clash}\" is already in use";
        }
        return null;
    }

    private static void AddFinalizer(JsonObject crd)
    {
        var metadata = crd.Ensure("metadata");
        if (metadata.Array("finalizers") is not { } finalizers)
            metadata["finalizers"] = finalizers = [];
        if (!finalizers.Any(f => f.AsText() == Finalizer))
            finalizers.Add((JsonNode)Finalizer);
    }

    private static JsonObject Condition(string type, bool status, string reason, string message, string? since) => new()
    {
        ["type"] = type, ["status"] = status ? "True" : "False", ["reason"] = reason, ["message"] = message, ["lastTransitionTime"] = since,
    };

    /// <summary>In the background, because instances may have finalizers of their own that somebody has to work off.</summary>
    private void StartCleaning(JsonObject crd, IApiClient client)
    {
        var name = crd.Object("metadata").Text("name")!;
        if (_cleaning.TryAdd(name, 0))
            _ = Task.Run(() => CleanAsync(crd, name, client));
    }

    private async Task CleanAsync(JsonObject crd, string name, IApiClient client)
    {
        var wait = FirstRetry;
        while (true)
        {
            try
            {
                if (await RemoveInstancesAsync(crd, client) == 0)
                {
                    await ReleaseAsync(name, client);
                    break;
                }
            }
            catch (ApiStatusException e) when (e.Code == 404)
            {
                break; // the definition is gone already
            }
            catch (ApiStatusException)
            {
                // Overtaken by another writer: look again.
            }
            catch (ObjectDisposedException)
            {
                break; // the server stops; the next one starts over from its store
            }
            await Task.Delay(wait);
            wait = wait * 2 < LastRetry ? wait * 2 : LastRetry;
        }
        _cleaning.TryRemove(name, out _);
    }

    /// <summary>Asks for the removal of every instance; answers how many were there.</summary>
    private async Task<int> RemoveInstancesAsync(JsonObject crd, IApiClient client)
    {
        var resource = $"{crd.Object("spec").Object("names").Text("plural")}.{crd.Object("spec").Text("group")}";
        if (!registry.TryGet(resource, out _))
            return 0; // names that were never accepted have no instances
        var instances = await client.ListAsync(resource);
        foreach (var instance in instances.Items)
        {
            var metadata = instance.Object("metadata");
            if (metadata.Text("deletionTimestamp") is not null)
                continue;
            try
            {
                await client.DeleteAsync(resource, metadata.Text("namespace") ?? "", metadata.Text("name")!);
            }
            catch (ApiStatusException e) when (e.Code == 404)
            {
                // Gone in between.
            }
        }
        return instances.Items.Count;
    }

    private static async Task ReleaseAsync(string name, IApiClient client)
    {
        var crd = (JsonObject)(await client.GetAsync("customresourcedefinitions.apiextensions.k8s.io", "", name)).DeepClone();
        var left = crd.Object("metadata").Texts("finalizers").Where(f => f != Finalizer).ToList();
        crd.Ensure("metadata")["finalizers"] = new JsonArray([.. left.Select(f => JsonValue.Create(f))]);
        await client.UpdateAsync("customresourcedefinitions.apiextensions.k8s.io", crd);
    }
}
