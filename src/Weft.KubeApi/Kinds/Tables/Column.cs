using System.Text.Json.Nodes;

namespace Weft.KubeApi.Kinds.Tables;

/// <summary>Makers of columns, so that a kind's table reads as the table kubectl prints.</summary>
internal static class Column
{
    public const string None = "<none>";

    public static readonly TableColumn Name = new("Name", "string", "name", 0,
        "Name must be unique within a namespace.", static (obj, _) => obj.Object("metadata").Text("name"));

    public static readonly TableColumn Age = new("Age", "string", "", 0,
        "CreationTimestamp is a timestamp representing the server time when this object was created.", static (obj, now) => Tables.Age.Of(obj, now));

    public static TableColumn Text(string name, string description, Func<JsonObject, string?> value) =>
        new(name, "string", "", 0, description, (obj, _) => value(obj));

    public static TableColumn Wide(string name, string description, Func<JsonObject, string?> value) =>
        new(name, "string", "", 1, description, (obj, _) => value(obj));

    public static TableColumn Number(string name, string description, Func<JsonObject, long?> value) =>
        new(name, "integer", "", 0, description, (obj, _) => value(obj) ?? 0);

    /// <summary>A column that depends on the time of printing.</summary>
    public static TableColumn At(string name, string description, Func<JsonObject, DateTimeOffset, string?> value, int priority = 0) =>
        new(name, "string", "", priority, description, (obj, now) => value(obj, now));

    public static readonly TableColumn Containers = Wide("Containers", "Names of each container in the template.",
        obj => string.Join(",", TemplateContainers(obj).Select(c => c.Text("name"))));

    public static readonly TableColumn Images = Wide("Images", "Images referenced by each container in the template.",
        obj => string.Join(",", TemplateContainers(obj).Select(c => c.Text("image"))));

    public static readonly TableColumn Selector = Wide("Selector", "Label selector of the pods that belong to this.",
        obj => LabelSelectors.Format(obj.ObjectAt("spec", "selector")));

    /// <summary><c>a=b,c=d</c> in order of key, or <c>&lt;none&gt;</c>.</summary>
    public static string Labels(JsonObject? labels) =>
        labels is { Count: > 0 }
            ? string.Join(",", labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value.AsText()}"))
            : None;

    private static IEnumerable<JsonObject> TemplateContainers(JsonObject obj) =>
        obj.ObjectAt("spec", "template", "spec").Items("containers").Select(c => c.Item);
}
