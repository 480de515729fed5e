using System.Text.Json.Nodes;
using Weft.Primitives;

namespace Weft.Model.Tables;

/// <summary>A table as JSON: between agent and command line with its columns kept in order, and for users as a list of objects.</summary>
public static class ShowTableJson
{
    public static JsonObject Write(ShowTable table) => new()
    {
        ["name"] = table.Name,
        ["columns"] = Strings(table.Columns),
        ["rows"] = new JsonArray([.. table.Rows.Select(row => (JsonNode)Strings(row))]),
    };

    /// <exception cref="FormatException">The JSON is not a table.</exception>
    public static ShowTable Read(JsonNode? json)
    {
        try
        {
            return new ShowTable((string)json!["name"]!, Strings(json["columns"]!), json["rows"]!.AsArray().Select(row => Strings(row!)).ToEquatableArray());
        }
        catch (Exception e) when (e is NullReferenceException or InvalidOperationException)
        {
            throw new FormatException("the answer is not a table", e);
        }
    }

    /// <summary>One object a row; keys are the columns in camel case (POD CIDRS becomes podCidrs).</summary>
    public static JsonArray Objects(ShowTable table)
    {
        var keys = table.Columns.Select(CamelCase).ToArray();
        return new JsonArray([.. table.Rows.Select(row =>
        {
            var item = new JsonObject();
            for (var i = 0; i < keys.Length; i++)
                item[keys[i]] = row[i];
            return (JsonNode)item;
        })]);
    }

    private static string CamelCase(string column) => string.Concat(
        column.Split(' ').Select((word, i) => i == 0 ? word.ToLowerInvariant() : char.ToUpperInvariant(word[0]) + word[1..].ToLowerInvariant()));

    private static JsonArray Strings(EquatableArray<string> items) => new([.. items.Select(item => (JsonNode)item)]);

    private static EquatableArray<string> Strings(JsonNode json) => json.AsArray().Select(item => (string)item!).ToEquatableArray();
}
