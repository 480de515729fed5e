using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Tables;

namespace Weft.KubeApi.Kinds.CustomResources;

/// <summary>The table of a custom resource: its additionalPrinterColumns between the name and, when it has none, the age.</summary>
internal static class CustomColumns
{
    public static IReadOnlyList<TableColumn> Of(JsonObject version)
    {
        var columns = new List<TableColumn> { Column.Name };
        foreach (var (_, column) in version.Items("additionalPrinterColumns"))
        {
            if (JsonPath.TryParse(column.Text("jsonPath") ?? "", out var path))
                columns.Add(Make(column, path));
        }
        if (columns.Count == 1)
            columns.Add(Column.Age);
        return columns;
    }

    private static TableColumn Make(JsonObject column, JsonPath path)
    {
        var type = column.Text("type") ?? "string";
        return new TableColumn(column.Text("name") ?? "", type, column.Text("format") ?? "", (int)(column.Integer("priority") ?? 0),
            column.Text("description") ?? $"Custom resource definition column (in JSONPath format): {column.Text("jsonPath")}",
            (obj, now) => Cell(path, type, obj, now));
    }

    private static JsonNode? Cell(JsonPath path, string type, JsonObject obj, DateTimeOffset now)
    {
        var values = path.Select(obj).ToList();
        if (values.Count == 0)
            return null;
        return type switch
        {
            "string" => string.Join(",", values.Select(TextOf)),
            "date" => Age.Since(values[0].AsText(), now),
            "integer" => values[0].AsInteger(),
            "boolean" => values[0].AsFlag(),
            _ => values[0].AsNumber() is { } number ? JsonValue.Create(number) : null,
        };
    }

    private static string TextOf(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.String => value.AsText()!,
        JsonValueKind.Number => value.AsNumber()?.ToString(CultureInfo.InvariantCulture) ?? value.ToJsonString(),
        _ => value.ToJsonString(),
    };
}
