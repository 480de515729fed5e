using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Weft.KubeApi.Kinds;
using Weft.KubeApi.Security;

namespace Weft.KubeApi.Rest;

/// <summary>Options that travel in the query string.</summary>
internal static class QueryReader
{
    public static ListOptions ListOptions(IQueryCollection query, ResourceDefinition definition, string? name)
    {
        var fields = Text(query, "fieldSelector");
        // A watch of one object by path is a watch by name.
        if (name is not null)
            fields = fields is null ? $"metadata.name={name}" : $"{fields},metadata.name={name}";
        return new ListOptions
        {
            Labels = LabelSelector.Parse(Text(query, "labelSelector")),
            Fields = FieldSelector.Parse(fields, definition),
            ResourceVersion = Text(query, "resourceVersion"),
            ResourceVersionMatch = Text(query, "resourceVersionMatch"),
            Limit = (int)Math.Min(Integer(query, "limit") ?? 0, int.MaxValue),
            Continue = Text(query, "continue"),
            AllowWatchBookmarks = Flag(query, "allowWatchBookmarks") ?? false,
            SendInitialEvents = Flag(query, "sendInitialEvents"),
            Timeout = Integer(query, "timeoutSeconds") is > 0 and var seconds ? TimeSpan.FromSeconds((double)seconds) : null,
        };
    }

    public static RequestContext Context(HttpRequest request, UserInfo user, bool applied = false)
    {
        var query = request.Query;
        // Without a name of its own a manager is known by its program: "kubectl/v1.32.4 (linux/amd64) ..." is kubectl.
        var agent = request.Headers.UserAgent.ToString();
        var slash = agent.IndexOf('/');
        var manager = Text(query, "fieldManager") ?? (slash > 0 ? agent[..slash] : agent.Length > 0 ? agent : "unknown");
        if (manager.Length > 128)
            throw StatusErrors.BadRequest("fieldManager may not be more than 128 characters");
        return new RequestContext
        {
            User = user,
            FieldManager = manager,
            DryRun = DryRun(query["dryRun"]),
            Applied = applied,
            Force = Flag(query, "force") ?? false,
            Validation = Text(query, "fieldValidation") switch
            {
                null or "Warn" => FieldValidation.Warn,
                "Strict" => FieldValidation.Strict,
                "Ignore" => FieldValidation.Ignore,
                var other => throw StatusErrors.BadRequest($"fieldValidation: found \"{other}\", expected Ignore, Warn or Strict"),
            },
        };
    }

    /// <summary>From the body, which wins, or the query.</summary>
    public static (DeleteOptions Options, bool DryRun) DeleteOptions(IQueryCollection query, JsonObject? body)
    {
        var grace = Json.Integer(body?["gracePeriodSeconds"]) ?? Integer(query, "gracePeriodSeconds");
        var policy = Json.Text(body?["propagationPolicy"]) ?? Text(query, "propagationPolicy");
        // The predecessor of the policy.
        var orphan = body?["orphanDependents"] is JsonValue value && value.TryGetValue<bool>(out var set) ? set : Flag(query, "orphanDependents");
        if (policy is null && orphan is { } legacy)
            policy = legacy ? "Orphan" : "Background";
        return (new DeleteOptions(
            (int?)grace, policy, Json.Text(body?["preconditions"]?["uid"]), Json.Text(body?["preconditions"]?["resourceVersion"])),
            DryRun(Json.Strings(body?["dryRun"]).ToArray()) || DryRun(query["dryRun"]));
    }

    public static string? Text(IQueryCollection query, string name) => query[name].ToString() is { Length: > 0 } text ? text : null;

    public static bool? Flag(IQueryCollection query, string name) => Text(query, name) switch
    {
        null => query.ContainsKey(name) ? true : null,
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        _ => false,
    };

    public static long? Integer(IQueryCollection query, string name)
    {
        if (Text(query, name) is not { } text)
            return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw StatusErrors.BadRequest($"query parameter {name}: found \"{text}\", expected an integer");
    }

    private static bool DryRun(IReadOnlyList<string?> values)
    {
        foreach (var value in values)
        {
            if (value is not ("All" or "" or null))
                throw StatusErrors.BadRequest($"dryRun: found \"{value}\", expected All");
        }
        return values.Any(v => v == "All");
    }
}
