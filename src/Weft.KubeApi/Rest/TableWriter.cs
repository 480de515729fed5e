using System.Globalization;
using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Storage;

namespace Weft.KubeApi.Rest;

/// <summary>The Table form that kubectl prints (meta.k8s.io/v1).</summary>
internal static class TableWriter
{
    private static readonly IReadOnlyList<TableColumn> Fallback =
    [
        new("Name", "string", "name", 0, "Name must be unique within a namespace.", (o, _) => o["metadata"]?["name"]?.DeepClone()),
        new("Age", "string", "", 0, "Time since the object was created.", (o, now) => Age(o["metadata"]?["creationTimestamp"], now)),
    ];

    /// <param name="include">None, Metadata or Object: what each row carries.</param>
    public static JsonObject Table(
        ResourceDefinition definition, IEnumerable<StoredObject> items, JsonObject metadata, string include, DateTimeOffset now, bool headers = true)
    {
        var columns = definition.TableColumns.Count > 0 ? definition.TableColumns : Fallback;
        var rows = new JsonArray();
        foreach (var item in items)
        {
            var row = new JsonObject { ["cells"] = Cells(columns, item.Object, now) };
            if (include == "Object")
                row["object"] = item.Clone();
            else if (include != "None")
                row["object"] = PartialMetadata(item);
            rows.Add((JsonNode)row);
        }
        var table = new JsonObject { ["kind"] = "Table", ["apiVersion"] = "meta.k8s.io/v1", ["metadata"] = metadata };
        table["columnDefinitions"] = headers ? Definitions(columns) : null;
        table["rows"] = rows;
        return table;
    }

    public static JsonObject PartialMetadata(StoredObject item) => new()
    {
        ["kind"] = "PartialObjectMetadata", ["apiVersion"] = "meta.k8s.io/v1", ["metadata"] = item.Metadata.DeepClone(),
    };

    /// <summary>A duration as kubectl writes ages (k8s.io/apimachinery/pkg/util/duration).</summary>
    public static JsonNode Age(JsonNode? timestamp, DateTimeOffset now)
    {
        if (!Json.TryTime(timestamp, out var then))
            return JsonValue.Create("<unknown>");
        return JsonValue.Create(Duration(now - then));
    }

    public static string Duration(TimeSpan span)
    {
        var seconds = (long)span.TotalSeconds;
        if (seconds < -1)
            return "<invalid>";
        if (seconds < 0)
            return "0s";
        long minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
        static string Two(long big, string bigUnit, long small, string smallUnit) => small == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{big}{bigUnit}")
            : string.Create(CultureInfo.InvariantCulture, $"{big}{bigUnit}{small}{smallUnit}");
        return (seconds, minutes, hours, days) switch
        {
            ( < 120, _, _, _) => Two(seconds, "s", 0, ""),
            (_, < 10, _, _) => Two(minutes, "m", seconds % 60, "s"),
            (_, < 180, _, _) => Two(minutes, "m", 0, ""),
            (_, _, < 8, _) => Two(hours, "h", minutes % 60, "m"),
            (_, _, < 48, _) => Two(hours, "h", 0, ""),
            (_, _, < 192, _) => Two(days, "d", hours % 24, "h"),
            (_, _, _, < 730) => Two(days, "d", 0, ""),
            (_, _, _, < 2920) => Two(days / 365, "y", days % 365, "d"),
            _ => Two(days / 365, "y", 0, ""),
        };
    }

    private static JsonArray Cells(IReadOnlyList<TableColumn> columns, JsonObject target, DateTimeOffset now)
    {
        var cells = new JsonArray();
        foreach (var column in columns)
        {
            JsonNode? cell;
            try
            {
                cell = column.Value(target, now);
            }
            catch (Exception e) when (e is InvalidOperationException or FormatException or ArgumentException)
            {
                // One odd object must not take the whole list from the reader.
                cell = JsonValue.Create("<error>");
            }
            cells.Add(cell?.Parent is null ? cell : cell.DeepClone());
        }
        return cells;
    }

    private static JsonArray Definitions(IReadOnlyList<TableColumn> columns)
    {
        var definitions = new JsonArray();
        foreach (var column in columns)
        {
            definitions.Add((JsonNode)new JsonObject
            {
                ["name"] = column.Name, ["type"] = column.Type, ["format"] = column.Format,
                ["description"] = column.Description, ["priority"] = column.Priority,
            });
        }
        return definitions;
    }
}
