using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds;

namespace Weft.KubeApi.Discovery;

/// <summary>A resource or subresource as discovery tells of it.</summary>
internal sealed record CatalogEntry(
    string Group, string Version, string Plural, string Singular, string Kind, bool Namespaced, IReadOnlyList<string> Verbs,
    IReadOnlyList<string> ShortNames, IReadOnlyList<string> Categories, IReadOnlyList<CatalogPart> Parts);

/// <summary>A subresource; its kind may be of another group than the resource.</summary>
internal sealed record CatalogPart(string Name, string Group, string Version, string Kind, IReadOnlyList<string> Verbs);

/// <summary>The discovery documents, made from the registry and from what the server serves without storing it.</summary>
internal sealed class ApiCatalog
{
    private static readonly string[] AllVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    private static readonly string[] PartVerbs = ["get", "patch", "update"];
    private static readonly CatalogEntry[] Reviews =
    [
        Review("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", false),
        Review("authentication.k8s.io", "tokenreviews", "TokenReview", false),
        Review("authorization.k8s.io", "localsubjectaccessreviews", "LocalSubjectAccessReview", true),
        Review("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false),
        Review("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false),
        Review("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", false),
    ];

    private readonly CatalogEntry[] _entries;

    public ApiCatalog(ResourceRegistry registry) => _entries = [.. registry.Definitions.Select(Entry), .. Reviews];

    public JsonObject Groups()
    {
        var groups = new JsonArray();
        foreach (var name in _entries.Select(e => e.Group).Where(g => g.Length > 0).Distinct())
            groups.Add((JsonNode)Group(name, nested: true)!);
        return new JsonObject { ["kind"] = "APIGroupList", ["apiVersion"] = "v1", ["groups"] = groups };
    }

    public JsonObject? Group(string name) => Group(name, nested: false);

    public JsonObject? Resources(string group, string version)
    {
        var entries = _entries.Where(e => e.Group == group && e.Version == version).ToArray();
        if (entries.Length == 0)
            return null;
        var resources = new JsonArray();
        foreach (var entry in entries)
        {
            var resource = new JsonObject
            {
                ["name"] = entry.Plural, ["singularName"] = entry.Singular, ["namespaced"] = entry.Namespaced, ["kind"] = entry.Kind,
                ["verbs"] = Json.Strings(entry.Verbs),
            };
            if (entry.ShortNames.Count > 0)
                resource["shortNames"] = Json.Strings(entry.ShortNames);
            if (entry.Categories.Count > 0)
                resource["categories"] = Json.Strings(entry.Categories);
            resources.Add((JsonNode)resource);
            foreach (var part in entry.Parts)
            {
                var sub = new JsonObject
                {
                    ["name"] = $"{entry.Plural}/{part.Name}", ["singularName"] = "", ["namespaced"] = entry.Namespaced, ["kind"] = part.Kind,
                    ["verbs"] = Json.Strings(part.Verbs),
                };
                if (part.Group != entry.Group || part.Version != entry.Version)
                {
                    sub["group"] = part.Group;
                    sub["version"] = part.Version;
                }
                resources.Add((JsonNode)sub);
            }
        }
        return new JsonObject
        {
            ["kind"] = "APIResourceList", ["apiVersion"] = "v1",
            ["groupVersion"] = group.Length == 0 ? version : $"{group}/{version}", ["resources"] = resources,
        };
    }

    public JsonObject Aggregated(bool core, string version)
    {
        var items = new JsonArray();
        foreach (var group in _entries.Select(e => e.Group).Where(g => core == (g.Length == 0)).Distinct())
        {
            var versions = new JsonArray();
            foreach (var v in _entries.Where(e => e.Group == group).Select(e => e.Version).Distinct())
            {
                var resources = new JsonArray(_entries.Where(e => e.Group == group && e.Version == v).Select(e => (JsonNode)AggregatedResource(e)).ToArray());
                versions.Add((JsonNode)new JsonObject { ["version"] = v, ["resources"] = resources, ["freshness"] = "Current" });
            }
            items.Add((JsonNode)new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = group, ["creationTimestamp"] = null }, ["versions"] = versions,
            });
        }
        return new JsonObject
        {
            ["kind"] = "APIGroupDiscoveryList", ["apiVersion"] = $"apidiscovery.k8s.io/{version}", ["metadata"] = new JsonObject(), ["items"] = items,
        };
    }

    private static JsonObject AggregatedResource(CatalogEntry entry)
    {
        static JsonObject Kind(string group, string version, string kind) =>
            new() { ["group"] = group, ["version"] = version, ["kind"] = kind };
        var resource = new JsonObject
        {
            ["resource"] = entry.Plural,
            ["responseKind"] = Kind(entry.Group, entry.Version, entry.Kind),
            ["scope"] = entry.Namespaced ? "Namespaced" : "Cluster",
            ["singularResource"] = entry.Singular,
            ["verbs"] = Json.Strings(entry.Verbs),
        };
        if (entry.ShortNames.Count > 0)
            resource["shortNames"] = Json.Strings(entry.ShortNames);
        if (entry.Categories.Count > 0)
            resource["categories"] = Json.Strings(entry.Categories);
        if (entry.Parts.Count > 0)
        {
            resource["subresources"] = new JsonArray(entry.Parts.Select(p => (JsonNode)new JsonObject
            {
                ["subresource"] = p.Name, ["responseKind"] = Kind(p.Group, p.Version, p.Kind), ["verbs"] = Json.Strings(p.Verbs),
            }).ToArray());
        }
        return resource;
    }

    private JsonObject? Group(string name, bool nested)
    {
        var versions = _entries.Where(e => e.Group == name && name.Length > 0).Select(e => e.Version).Distinct().ToArray();
        if (versions.Length == 0)
            return null;
        JsonObject Version(string v) => new() { ["groupVersion"] = $"{name}/{v}", ["version"] = v };
        var group = new JsonObject();
        if (!nested)
        {
            group["kind"] = "APIGroup";
            group["apiVersion"] = "v1";
        }
        group["name"] = name;
        group["versions"] = new JsonArray(versions.Select(v => (JsonNode)Version(v)).ToArray());
        group["preferredVersion"] = Version(versions[0]);
        return group;
    }

    private static CatalogEntry Entry(ResourceDefinition d)
    {
        var parts = new List<CatalogPart>();
        if (d.HasStatus)
            parts.Add(new CatalogPart("status", d.Group, d.Version, d.Kind, PartVerbs));
        if (d.HasScale)
            parts.Add(new CatalogPart("scale", "autoscaling", "v1", "Scale", PartVerbs));
        switch (d.Resource)
        {
            case "namespaces":
                parts.Add(new CatalogPart("finalize", "", "v1", "Namespace", ["update"]));
                break;
            case "pods":
                parts.Add(new CatalogPart("attach", "", "v1", "PodAttachOptions", ["create", "get"]));
                parts.Add(new CatalogPart("binding", "", "v1", "Binding", ["create"]));
                parts.Add(new CatalogPart("eviction", "policy", "v1", "Eviction", ["create"]));
                parts.Add(new CatalogPart("exec", "", "v1", "PodExecOptions", ["create", "get"]));
                parts.Add(new CatalogPart("log", "", "v1", "Pod", ["get"]));
                parts.Add(new CatalogPart("portforward", "", "v1", "PodPortForwardOptions", ["create", "get"]));
                break;
            case "serviceaccounts":
                parts.Add(new CatalogPart("token", "authentication.k8s.io", "v1", "TokenRequest", ["create"]));
                break;
        }
        return new CatalogEntry(d.Group, d.Version, d.Plural, d.Singular, d.Kind, d.Namespaced, AllVerbs, d.ShortNames, d.Categories, parts);
    }

    private static CatalogEntry Review(string group, string plural, string kind, bool namespaced) =>
        new(group, "v1", plural, kind.ToLowerInvariant(), kind, namespaced, ["create"], [], [], []);
}
