using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Rest;

namespace Weft.KubeApi.Streams;

/// <summary>pods/log, exec, attach and portforward: finds the pod and hands the bytes to <see cref="IPodStreams"/>.</summary>
internal sealed class PodStreamHandler(ApiCore core, Func<IPodStreams?> port)
{
    public async Task HandleAsync(HttpContext http, RequestPath path, ResourceDefinition pods)
    {
        var pod = core.Reader.Get(pods, path.Namespace!, path.Name!).Object;
        var streams = port() ?? throw StatusErrors.Unavailable("no node agent is connected to this API server: pods cannot be reached");
        var container = QueryReader.Text(http.Request.Query, "container");
        var target = new PodTarget(path.Namespace!, path.Name!, path.Subresource == "portforward" ? null : Container(pod, path.Name!, container));
        switch (path.Subresource)
        {
            case "log":
                await LogAsync(http, streams, target);
                break;
            default:
                throw StatusErrors.NoSuchPath();
        }
    }

    // Without a name, the annotation's choice or the only container (kubernetes/pkg/registry/core/pod/strategy.go, LogLocation).
    private static string Container(JsonObject pod, string name, string? asked)
    {
        var all = ((string[])["containers", "initContainers", "ephemeralContainers"])
            .SelectMany(list => pod["spec"]?[list] as JsonArray ?? [])
            .Select(c => Json.Text(c?["name"]) ?? "").ToArray();
        if (asked is not null)
        {
            return all.Contains(asked)
                ? asked
                : throw StatusErrors.BadRequest($"container {asked} is not valid for pod {name}: expected one of [{string.Join(' ', all)}]");
        }
        var main = (pod["spec"]?["containers"] as JsonArray ?? []).Select(c => Json.Text(c?["name"]) ?? "").ToArray();
        if (Json.Text(pod["metadata"]?["annotations"]?["kubectl.kubernetes.io/default-container"]) is { } preferred && main.Contains(preferred))
            return preferred;
        if (main.Length == 1)
            return main[0];
        throw StatusErrors.BadRequest($"a container name must be specified for pod {name}, choose one of: [{string.Join(' ', main)}]");
    }

    private static async Task LogAsync(HttpContext http, IPodStreams streams, PodTarget target)
    {
        var query = http.Request.Query;
        DateTimeOffset? since = null;
        if (QueryReader.Text(query, "sinceTime") is { } text)
        {
            if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed))
                throw StatusErrors.BadRequest($"sinceTime: found \"{text}\", expected a time as in RFC 3339");
            since = parsed;
        }
        var options = new LogOptions(
            QueryReader.Flag(query, "follow") ?? false, QueryReader.Flag(query, "previous") ?? false, (int?)QueryReader.Integer(query, "tailLines"),
            (int?)QueryReader.Integer(query, "sinceSeconds"), since, QueryReader.Flag(query, "timestamps") ?? false,
            QueryReader.Integer(query, "limitBytes"));
        http.Response.ContentType = "text/plain";
        await using var output = new FlushingStream(http.Response.BodyWriter);
        await streams.LogsAsync(target, options, output, http.RequestAborted);
    }
}
