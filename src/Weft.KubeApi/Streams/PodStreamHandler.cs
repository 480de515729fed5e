using System.Globalization;
using System.Net.WebSockets;
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
            case "portforward":
                await PortForwardAsync(http, streams, target);
                break;
            default:
                await ExecAsync(http, streams, target, path.Subresource == "attach");
                break;
        }
    }

    private static async Task PortForwardAsync(HttpContext http, IPodStreams streams, PodTarget target)
    {
        using var socket = await UpgradeAsync(http, PortForwardSession.Protocol);
        await new PortForwardSession(streams, target).RunAsync(socket, http.RequestAborted);
    }

    private static async Task ExecAsync(HttpContext http, IPodStreams streams, PodTarget target, bool attach)
    {
        var query = http.Request.Query;
        bool Wants(string name) => QueryReader.Flag(query, name) ?? false;
        var command = query["command"].Select(c => c ?? "").ToArray();
        if (!attach && command.Length == 0)
            throw StatusErrors.BadRequest("you must specify at least 1 command for the container");
        // Attach without a word means the output (core/v1 PodAttachOptions defaults).
        var output = query.ContainsKey("stdout") ? Wants("stdout") : attach;
        var errors = query.ContainsKey("stderr") ? Wants("stderr") : attach;
        using var socket = await UpgradeAsync(http, ExecSession.V5, ExecSession.V4);
        await new ExecSession(socket, Wants("stdin"), output, errors, Wants("tty")).RunAsync(
            (io, cancel) => attach ? streams.AttachAsync(target, io, cancel) : streams.ExecAsync(target, command, io, cancel),
            http.RequestAborted);
    }

    private static async Task<WebSocket> UpgradeAsync(HttpContext http, params string[] protocols)
    {
        var offered = http.WebSockets.IsWebSocketRequest ? http.WebSockets.WebSocketRequestedProtocols : [];
        // kubectl falls back to plain SPDY when the server refuses; it then learns what this server speaks.
        var chosen = protocols.FirstOrDefault(offered.Contains) ?? throw StatusErrors.BadRequest(
            $"unable to upgrade: a WebSocket with one of the subprotocols {string.Join(", ", protocols)} is required, "
            + $"found [{string.Join(", ", offered)}] in {(http.WebSockets.IsWebSocketRequest ? "a WebSocket" : "a plain")} request");
        return await WebSocketUpgrade.AcceptAsync(http, chosen);
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
