using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Security;

namespace Weft.KubeApi.Rest;

/// <summary>The API without HTTP, for controllers that live in the server's process. Objects handed out are the caller's own copies.</summary>
internal sealed class InProcessClient(ApiCore core) : IApiClient
{
    private const string Manager = "weft-controllers";

    public Task<JsonObject> GetAsync(string resource, string ns, string name, CancellationToken cancel = default) =>
        Task.FromResult(core.Reader.Get(Definition(resource), ns, name).Clone());

    public Task<ApiList> ListAsync(
        string resource, string ns = "", string? labelSelector = null, string? fieldSelector = null, CancellationToken cancel = default)
    {
        var definition = Definition(resource);
        var page = core.Reader.List(definition, Scope(definition, ns), Options(definition, labelSelector, fieldSelector));
        return Task.FromResult(new ApiList(Text(page.Revision), page.Items.Select(i => i.Clone()).ToArray()));
    }

    public async IAsyncEnumerable<WatchEvent> WatchAsync(
        string resource, string ns, string resourceVersion, string? labelSelector = null, string? fieldSelector = null,
        [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var definition = Definition(resource);
        var options = Options(definition, labelSelector, fieldSelector) with { ResourceVersion = resourceVersion.Length == 0 ? null : resourceVersion };
        await foreach (var frame in core.Reader.Watch(definition, Scope(definition, ns), options, cancel))
        {
            if (frame.Object is { } changed)
                yield return new WatchEvent(frame.Type, changed.Object);
        }
    }

    public async Task<JsonObject> CreateAsync(string resource, string ns, JsonObject body, CancellationToken cancel = default) =>
        (await core.Writer.CreateAsync(Definition(resource), ns, (JsonObject)body.DeepClone(), Context(), cancel)).Clone();

    public async Task<JsonObject> UpdateAsync(string resource, JsonObject body, string? subresource = null, CancellationToken cancel = default)
    {
        var definition = Definition(resource);
        var name = Json.Text(body["metadata"]?["name"]) ?? throw StatusErrors.BadRequest("metadata.name is required for an update");
        var ns = Json.Text(body["metadata"]!["namespace"]) ?? "";
        return (await core.ReplaceAsync(definition, ns, name, subresource ?? "", body, Context(), cancel)).Clone();
    }

    public async Task<JsonObject> PatchAsync(
        string resource, string ns, string name, PatchKind kind, JsonNode patch, string? subresource = null, CancellationToken cancel = default) =>
        (await core.PatchAsync(Definition(resource), ns, name, subresource ?? "", kind, patch, Context(), cancel)).Clone();

    public Task DeleteAsync(
        string resource, string ns, string name, int? gracePeriodSeconds = null, string? propagationPolicy = null, CancellationToken cancel = default) =>
        core.Deletion.DeleteAsync(Definition(resource), ns, name, new DeleteOptions(gracePeriodSeconds, propagationPolicy), Context(), cancel);

    private static RequestContext Context() => new()
    {
        User = UserInfo.Server, FieldManager = Manager, Validation = FieldValidation.Ignore,
    };

    private static string? Scope(ResourceDefinition definition, string ns) => definition.Namespaced && ns.Length > 0 ? ns : null;

    private static ListOptions Options(ResourceDefinition definition, string? labels, string? fields) =>
        new() { Labels = LabelSelector.Parse(labels), Fields = FieldSelector.Parse(fields, definition) };

    private static string Text(long revision) => revision.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private ResourceDefinition Definition(string resource) =>
        core.Registry.TryGet(resource, out var definition) ? definition : throw StatusErrors.NoSuchPath();
}
