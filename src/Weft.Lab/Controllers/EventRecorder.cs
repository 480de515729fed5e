using System.Globalization;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Weft.KubeApi.Client;
using Weft.Lab.Objects;

namespace Weft.Lab.Controllers;

/// <summary>
/// Writes Events without making anyone wait. Repeats within ten minutes count up one Event instead of making more, and when too many
/// wait, further ones are dropped: Events are best effort.
/// </summary>
internal sealed class EventRecorder(IApiClient client, TimeProvider time)
{
    private const int MostRemembered = 4096;

    private readonly Channel<Pending> _queue = Channel.CreateBounded<Pending>(
        new BoundedChannelOptions(2048) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<string, (string Name, int Count, DateTimeOffset Last)> _recent = new(StringComparer.Ordinal);

    private sealed record Pending(
        JsonObject Involved, string Type, string Reason, string Message, string Component, string? Host, string? FieldPath, DateTimeOffset At);

    public void Record(
        JsonObject obj, string type, string reason, string message, string component, string? host = null, string? fieldPath = null)
    {
        var involved = new JsonObject
        {
            ["kind"] = obj.Str("kind") ?? "Pod",
            ["apiVersion"] = obj.Str("apiVersion") ?? "v1",
            ["name"] = obj.Name(),
            ["uid"] = obj.Uid(),
        };
        if (obj.Namespace() is { Length: > 0 } ns)
            involved["namespace"] = ns;
        if (fieldPath is not null)
            involved["fieldPath"] = fieldPath;
        _queue.Writer.TryWrite(new Pending(involved, type, reason, message, component, host, fieldPath, time.GetUtcNow()));
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            await foreach (var pending in _queue.Reader.ReadAllAsync(cancel))
                await WriteAsync(pending, cancel);
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task WriteAsync(Pending p, CancellationToken cancel)
    {
        string ns = p.Involved.Str("namespace") ?? "default";
        string key = $"{p.Involved.Str("uid")}|{p.FieldPath}|{p.Reason}|{p.Message}|{p.Host}";
        try
        {
            if (_recent.TryGetValue(key, out var seen) && p.At - seen.Last < TimeSpan.FromMinutes(10))
            {
                _recent[key] = seen with { Count = seen.Count + 1, Last = p.At };
                await client.PatchAsync("events", ns, seen.Name, PatchKind.Merge, new JsonObject
                {
                    ["count"] = seen.Count + 1, ["lastTimestamp"] = p.At.ToTime(),
                }, cancel: cancel);
                return;
            }

            if (_recent.Count >= MostRemembered)
                _recent.Clear();
            string name = $"{p.Involved.Str("name")}.{p.At.UtcTicks.ToString("x", CultureInfo.InvariantCulture)}{_recent.Count:x}";
            _recent[key] = (name, 1, p.At);
            await client.CreateAsync("events", ns, ToEvent(p, ns, name), cancel);
        }
        catch (ApiStatusException)
        {
            // The namespace may be going; the next occurrence makes a new Event.
            _recent.Remove(key);
        }
    }

    private static JsonObject ToEvent(Pending p, string ns, string name)
    {
        var source = new JsonObject { ["component"] = p.Component };
        if (p.Host is not null)
            source["host"] = p.Host;
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Event",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns },
            ["involvedObject"] = p.Involved,
            ["type"] = p.Type,
            ["reason"] = p.Reason,
            ["message"] = p.Message.Length > 1024 ? p.Message[..1024] : p.Message,
            ["source"] = source,
            ["firstTimestamp"] = p.At.ToTime(),
            ["lastTimestamp"] = p.At.ToTime(),
            ["count"] = 1,
            ["reportingComponent"] = p.Component,
            ["reportingInstance"] = p.Host ?? "",
        };
    }
}
