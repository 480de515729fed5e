using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Tables;

namespace Weft.KubeApi.Kinds.Core;

/// <summary>Events, in the core group and in events.k8s.io.</summary>
internal static class EventKind
{
    private static readonly string[] ReferenceFields = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];

    public static ResourceDefinition Core => new()
    {
        Group = "", Version = "v1", Kind = "Event", Plural = "events", Singular = "event", ShortNames = ["ev"],
        Namespaced = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("core.v1.Event"), Schema = BuiltIn.Schema("core.v1.Event"),
        Validate = BuiltIn.Validation("core.v1.Event", (obj, _, errors) => CoreRules.Event(obj, "involvedObject", errors)),
        SelectableFields = [.. ReferenceFields.Select(f => "involvedObject." + f), "reason", "reportingComponent", "source", "type"],
        TableColumns = Columns("involvedObject", "message", "count", "firstTimestamp", "lastTimestamp", "source"),
    };

    public static ResourceDefinition Events => new()
    {
        Group = "events.k8s.io", Version = "v1", Kind = "Event", Plural = "events", Singular = "event", ShortNames = ["ev"],
        Namespaced = true, HasGeneration = false,
        SchemaName = BuiltIn.SchemaName("events.v1.Event"), Schema = BuiltIn.Schema("events.v1.Event"),
        Validate = BuiltIn.Validation("events.v1.Event", (obj, _, errors) => CoreRules.Event(obj, "regarding", errors)),
        SelectableFields = [.. ReferenceFields.Select(f => "regarding." + f), "reason", "reportingController", "type"],
        TableColumns = Columns("regarding", "note", "deprecatedCount", "deprecatedFirstTimestamp", "deprecatedLastTimestamp", "deprecatedSource"),
    };

    private static IReadOnlyList<TableColumn> Columns(string about, string message, string count, string first, string last, string source) =>
    [
        Column.At("Last Seen", "The time at which the most recent occurrence of this event was recorded.", (obj, now) => LastSeen(obj, last, first, now)),
        Column.Text("Type", "Type of this event (Normal, Warning), new types could be added in the future", obj => obj.Text("type")),
        Column.Text("Reason", "Why the object is in its current state, short and machine understandable.", obj => obj.Text("reason")),
        Column.Text("Object", "The object that this event is about.", obj => Target(obj.Object(about))),
        Column.Wide("Subobject", "The part of the object that this event is about.", obj => obj.Object(about).Text("fieldPath")),
        Column.Wide("Source", "The component reporting this event.", obj => Source(obj, source)),
        Column.Text("Message", "A human-readable description of the status of this operation.", obj => obj.Text(message)?.Trim()),
        Column.At("First Seen", "The time at which the event was first recorded.", (obj, now) => Age.Since(obj.Text(first) ?? obj.Text("eventTime"), now), 1),
        Column.Wide("Count", "The number of times this event has occurred.", obj => Count(obj, count).ToString(System.Globalization.CultureInfo.InvariantCulture)),
        Column.Wide("Name", "Name must be unique within a namespace.", obj => obj.Object("metadata").Text("name")),
    ];

    private static string LastSeen(JsonObject obj, string last, string first, DateTimeOffset now)
    {
        var firstSeen = Age.Since(obj.Text(first) ?? obj.Text("eventTime"), now);
        if (obj.Object("series") is { } series)
            return $"{Age.Since(series.Text("lastObservedTime"), now)} (x{series.Integer("count")} over {firstSeen})";
        return obj.Text(last) is { } seen ? Age.Since(seen, now) : firstSeen;
    }

    private static string Target(JsonObject? about)
    {
        var kind = about.Text("kind")?.ToLowerInvariant() ?? "";
        return about.Text("name") is { Length: > 0 } name ? $"{kind}/{name}" : kind;
    }

    private static string Source(JsonObject obj, string source)
    {
        var component = obj.Object(source).Text("component") ?? obj.Text("reportingComponent") ?? obj.Text("reportingController") ?? "";
        var host = obj.Object(source).Text("host");
        return string.IsNullOrEmpty(host) ? component : $"{component}, {host}";
    }

    private static long Count(JsonObject obj, string field) =>
        obj.Object("series").Integer("count") ?? (obj.Integer(field) is { } count and > 0 ? count : 1);
}
