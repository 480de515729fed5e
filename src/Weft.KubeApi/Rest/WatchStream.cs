using System.Buffers;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Weft.KubeApi.Client;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Rest;

/// <summary>A watch over HTTP: one JSON document a line, for as long as the client stays.</summary>
internal sealed class WatchStream(ApiCore core)
{
    private const int FlushBytes = 64 * 1024;

    // As client-go asks at random between 5 and 10 minutes; this is for those who do not ask.
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(30);

    public async Task RunAsync(HttpContext http, ResourceDefinition definition, RequestPath path)
    {
        var format = ResponseFormat.Negotiate(http.Request.Headers.Accept);
        var options = QueryReader.ListOptions(http.Request.Query, definition, path.Name);
        options = options with { Timeout = options.Timeout ?? DefaultTimeout };
        var include = QueryReader.Text(http.Request.Query, "includeObject") ?? "Metadata";

        IAsyncEnumerable<WatchFrame> frames;
        try
        {
            frames = core.Reader.Watch(definition, path.Namespace, options, http.RequestAborted);
        }
        catch (ApiStatusException e) when (e.Code == 410)
        {
            // The API server tells a watch that begins too early by an event in a good response (watch.go, errors of the cacher).
            Begin(http);
            WriteEvent(http.Response.BodyWriter, "ERROR", Json.ToUtf8(StatusErrors.ToStatus(e)));
            await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
            return;
        }
        Begin(http);
        var body = http.Response.BodyWriter;
        // The headers go out at once: a client waits for them before it trusts the watch.
        await body.FlushAsync(http.RequestAborted);
        var headers = true;
        await using var next = frames.GetAsyncEnumerator(http.RequestAborted);
        while (true)
        {
            // What is there already goes out together: the first state of a large watch would otherwise be a packet an object.
            var more = next.MoveNextAsync();
            if (!more.IsCompleted || (body.CanGetUnflushedBytes && body.UnflushedBytes > FlushBytes))
                await body.FlushAsync(http.RequestAborted);
            if (!await more)
                break;
            var frame = next.Current;
            var payload = frame.Object is { } changed
                ? Changed(changed, definition, format, include, headers)
                : Bookmark(frame, definition, format);
            headers &= frame.Object is null;
            WriteEvent(body, Name(frame.Type), payload);
        }
        await body.FlushAsync(http.RequestAborted);
    }

    private static void Begin(HttpContext http)
    {
        http.Response.StatusCode = 200;
        http.Response.ContentType = HttpJson.MediaType;
        http.Response.Headers.CacheControl = "no-cache, private";
    }

    private byte[] Changed(StoredObject changed, ResourceDefinition definition, ResponseFormat format, string include, bool headers) =>
        format.Kind switch
        {
            ResponseKind.Table => Json.ToUtf8(TableWriter.Table(definition, [changed],
                new JsonObject { ["resourceVersion"] = Json.Revision(changed.Revision) }, include, core.Time.GetUtcNow(), headers)),
            ResponseKind.PartialMetadata => Json.ToUtf8(TableWriter.PartialMetadata(changed)),
            _ => Versions.Bytes(changed, definition),
        };

    private static byte[] Bookmark(WatchFrame frame, ResourceDefinition definition, ResponseFormat format)
    {
        var metadata = new JsonObject { ["resourceVersion"] = Json.Revision(frame.Revision), ["creationTimestamp"] = null };
        if (frame.InitialEventsEnd)
            metadata["annotations"] = new JsonObject { ["k8s.io/initial-events-end"] = "true" };
        var bookmark = new JsonObject { ["kind"] = definition.Kind, ["apiVersion"] = definition.ApiVersion, ["metadata"] = metadata };
        switch (format.Kind)
        {
            case ResponseKind.PartialMetadata:
                bookmark["kind"] = "PartialObjectMetadata";
                bookmark["apiVersion"] = "meta.k8s.io/v1";
                break;
            case ResponseKind.Table:
                var row = new JsonObject { ["cells"] = new JsonArray(), ["object"] = bookmark };
                return Json.ToUtf8(new JsonObject
                {
                    ["kind"] = "Table", ["apiVersion"] = "meta.k8s.io/v1",
                    ["metadata"] = new JsonObject { ["resourceVersion"] = Json.Revision(frame.Revision) },
                    ["columnDefinitions"] = null, ["rows"] = new JsonArray((JsonNode)row),
                });
        }
        return Json.ToUtf8(bookmark);
    }

    private static void WriteEvent(IBufferWriter<byte> body, string type, byte[] payload)
    {
        body.Write("{\"type\":\""u8);
        body.Write(System.Text.Encoding.ASCII.GetBytes(type));
        body.Write("\",\"object\":"u8);
        body.Write(payload);
        body.Write("}\n"u8);
    }

    private static string Name(WatchEventType type) => type switch
    {
        WatchEventType.Added => "ADDED",
        WatchEventType.Modified => "MODIFIED",
        WatchEventType.Deleted => "DELETED",
        _ => "BOOKMARK",
    };
}
