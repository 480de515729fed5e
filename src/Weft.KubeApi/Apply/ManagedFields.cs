using System.Text.Json.Nodes;

namespace Weft.KubeApi.Apply;

/// <summary>An entry of metadata.managedFields: what one manager, by one kind of operation, has set.</summary>
internal sealed record ManagerEntry(string Manager, string Operation, string ApiVersion, string Subresource, string Time, FieldSet Fields)
{
    public bool IsSameManager(ManagerEntry other) =>
        Manager == other.Manager && Operation == other.Operation && Subresource == other.Subresource && ApiVersion == other.ApiVersion;

    /// <summary>How a conflict names it.</summary>
    public string Describe()
    {
        var text = Subresource.Length > 0 ? $"\"{Manager}\" with subresource \"{Subresource}\"" : $"\"{Manager}\"";
        return Operation == "Update" ? $"{text} using {ApiVersion}" : text;
    }
}

/// <summary>metadata.managedFields as data.</summary>
internal static class ManagedFields
{
    /// <summary>Never owned: the server's own (internal/stripmeta.go).</summary>
    public static FieldSet Stripped { get; } = FieldSet.FromFieldsV1(JsonNode.Parse("""
        {"f:apiVersion":{},"f:kind":{},"f:metadata":{".":{},"f:name":{},"f:namespace":{},"f:creationTimestamp":{},"f:selfLink":{},"f:uid":{},
         "f:generation":{},"f:managedFields":{},"f:resourceVersion":{},"f:deletionTimestamp":{},"f:deletionGracePeriodSeconds":{}}}
        """)!.AsObject());

    public static List<ManagerEntry> Read(JsonNode? metadata)
    {
        var entries = new List<ManagerEntry>();
        if (metadata?["managedFields"] is not JsonArray array)
            return entries;
        foreach (var entry in array)
        {
            if (entry?["fieldsV1"] is JsonObject fields)
            {
                entries.Add(new ManagerEntry(
                    Json.Text(entry["manager"]) ?? "", Json.Text(entry["operation"]) ?? "Update", Json.Text(entry["apiVersion"]) ?? "",
                    Json.Text(entry["subresource"]) ?? "", Json.Text(entry["time"]) ?? "", FieldSet.FromFieldsV1(fields)));
            }
        }
        return entries;
    }

    public static void Write(JsonObject target, IEnumerable<ManagerEntry> entries)
    {
        var array = new JsonArray();
        foreach (var entry in entries.Where(e => !e.Fields.IsEmpty))
        {
            var json = new JsonObject { ["apiVersion"] = entry.ApiVersion, ["fieldsType"] = "FieldsV1", ["fieldsV1"] = entry.Fields.ToFieldsV1() };
            json["manager"] = entry.Manager;
            json["operation"] = entry.Operation;
            if (entry.Subresource.Length > 0)
                json["subresource"] = entry.Subresource;
            if (entry.Time.Length > 0)
                json["time"] = entry.Time;
            array.Add((JsonNode)json);
        }
        var metadata = Json.Child(target, "metadata");
        if (array.Count > 0)
            metadata["managedFields"] = array;
        else
            metadata.Remove("managedFields");
    }
}
