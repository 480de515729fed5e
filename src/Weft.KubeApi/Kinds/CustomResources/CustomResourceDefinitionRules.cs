using System.Text.Json.Nodes;
using Weft.KubeApi.Kinds.Validation;

namespace Weft.KubeApi.Kinds.CustomResources;

/// <summary>Defaults and validation of CustomResourceDefinitions (apiextensions-apiserver/pkg/apis/apiextensions/validation).</summary>
internal static class CustomResourceDefinitionRules
{
    private static readonly string[] ColumnTypes = ["boolean", "date", "integer", "number", "string"];

    public static void Default(JsonObject crd)
    {
        var spec = crd.Ensure("spec");
        var names = spec.Ensure("names");
        if (names.Text("kind") is { Length: > 0 } kind)
        {
            names.SetDefault("singular", kind.ToLowerInvariant());
            names.SetDefault("listKind", kind + "List");
        }
        spec.Ensure("conversion").SetDefault("strategy", "None");
    }

    public static void Validate(JsonObject crd, JsonObject? old, Errors errors)
    {
        var spec = crd.Object("spec");
        var (group, plural) = (spec.Text("group") ?? "", spec.Object("names").Text("plural") ?? "");
        if (crd.Object("metadata").Text("name") is { } name && name != $"{plural}.{group}")
            errors.Invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group");
        errors.Check("spec.group", group.Length > 0 ? group : null, Names.Dns1123Subdomain);
        if (group.Length > 0 && !group.Contains('.'))
            errors.Invalid("spec.group", group, "should be a domain with at least one dot");
        if (spec.Flag("preserveUnknownFields"))
            errors.Invalid("spec.preserveUnknownFields", true, "must be false");
        if (spec.Object("conversion").Text("strategy") == "Webhook")
            errors.Add(FieldError.NotSupported("spec.conversion.strategy", "Webhook", "None"));
        NamesOf(spec.Object("names"), errors);
        Versions(spec, errors);
        if (old is not null)
            Update(crd, old, errors);
    }

    private static void NamesOf(JsonObject? names, Errors errors)
    {
        foreach (var field in (ReadOnlySpan<string>)["plural", "singular"])
            errors.Check($"spec.names.{field}", names.Text(field) is { Length: > 0 } text ? text : null, Names.Dns1035Label);
        foreach (var field in (ReadOnlySpan<string>)["kind", "listKind"])
        {
            if (names.Text(field) is { Length: > 0 } kind && Names.Dns1035Label(kind.ToLowerInvariant()) is { } wrong)
                errors.Invalid($"spec.names.{field}", kind, "may have mixed case, but should otherwise match: " + wrong);
        }
        foreach (var field in (ReadOnlySpan<string>)["shortNames", "categories"])
        {
            var i = 0;
            foreach (var text in names.Texts(field))
                errors.Check($"spec.names.{field}[{i++}]", text, Names.Dns1035Label);
        }
        if (names.Text("kind") is { Length: > 0 } same && same == names.Text("listKind"))
            errors.Invalid("spec.names.listKind", same, "kind and listKind may not be the same");
    }

    private static void Versions(JsonObject? spec, Errors errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, version) in spec.Items("versions"))
        {
            var path = $"spec.versions[{i}]";
            if (version.Text("name") is { Length: > 0 } name)
            {
                errors.Check(path + ".name", name, Names.Dns1035Label);
                if (!seen.Add(name))
                    errors.Invalid("spec.versions", spec?["versions"], "must contain unique version names");
            }
            if (version.ObjectAt("schema", "openAPIV3Schema") is { } schema)
                StructuralRules.Root(schema, path + ".schema.openAPIV3Schema", errors);
            else
                errors.Required(path + ".schema.openAPIV3Schema", "schemas are required");
            Columns(version, path, errors);
            Scale(version.ObjectAt("subresources", "scale"), path + ".subresources.scale", errors);
            SelectableFields(version, path, errors);
        }
        if (spec.Array("versions") is { Count: > 0 } versions && spec.Items("versions").Count(v => v.Item.Flag("storage")) != 1)
            errors.Invalid("spec.versions", versions, "must have exactly one version marked as storage version");
    }

    private static void Columns(JsonObject version, string path, Errors errors)
    {
        foreach (var (i, column) in version.Items("additionalPrinterColumns"))
        {
            var at = $"{path}.additionalPrinterColumns[{i}]";
            if (column.Text("type") is { Length: > 0 } type && !ColumnTypes.Contains(type))
                errors.Add(FieldError.NotSupported(at + ".type", type, ColumnTypes));
            if (column.Text("jsonPath") is { Length: > 0 } json && !JsonPath.TryParse(json, out _))
                errors.Invalid(at + ".jsonPath", json, "must be a simple JSON path such as .spec.replicas, starting with a dot");
        }
    }

    private static void Scale(JsonObject? scale, string path, Errors errors)
    {
        if (scale is null)
            return;
        ScalePath(scale, "specReplicasPath", path, [".spec"], errors);
        ScalePath(scale, "statusReplicasPath", path, [".status"], errors);
        ScalePath(scale, "labelSelectorPath", path, [".spec", ".status"], errors);
    }

    private static void ScalePath(JsonObject scale, string field, string path, string[] roots, Errors errors)
    {
        if (scale.Text(field) is not { Length: > 0 } text)
            return; // those that are required are reported by the schema
        if (!JsonPath.TryParse(text, out var parsed) || !parsed.IsPlain)
            errors.Invalid($"{path}.{field}", text, "must be a json path without array notation under " + string.Join(" or ", roots));
        else if (!roots.Any(r => text.StartsWith(r + ".", StringComparison.Ordinal)))
            errors.Invalid($"{path}.{field}", text, "should be a json path under " + string.Join(" or ", roots));
    }

    private static void SelectableFields(JsonObject version, string path, Errors errors)
    {
        if (version.Array("selectableFields") is { Count: > 8 } many)
            errors.Add(new FieldError(path + ".selectableFields", FieldErrorReason.TooMany, $"{many.Count}: must have at most 8 items"));
        foreach (var (i, field) in version.Items("selectableFields"))
        {
            var at = $"{path}.selectableFields[{i}].jsonPath";
            var text = field.Text("jsonPath") ?? "";
            if (!JsonPath.TryParse(text, out var parsed) || !parsed.IsPlain)
            {
                errors.Invalid(at, text, "is an invalid path: must be a simple path without array notation");
                continue;
            }
            JsonObject? schema = version.ObjectAt("schema", "openAPIV3Schema");
            foreach (var step in parsed.Dotted.Split('.'))
                schema = schema.ObjectAt("properties", step);
            if (schema is null)
                errors.Invalid(at, text, "is an invalid path: does not refer to a valid field");
            else if (schema.Text("type") is not ("string" or "boolean" or "integer"))
                errors.Invalid(at, text, "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed");
        }
    }

    private static void Update(JsonObject crd, JsonObject old, Errors errors)
    {
        var (spec, before) = (crd.Object("spec"), old.Object("spec"));
        errors.Unchanged("spec.group", spec?["group"], before?["group"]);
        errors.Unchanged("spec.names.plural", spec.Object("names")?["plural"], before.Object("names")?["plural"]);
        errors.Unchanged("spec.scope", spec?["scope"], before?["scope"]);
        errors.Unchanged("spec.names.kind", spec.Object("names")?["kind"], before.Object("names")?["kind"]);
        var names = spec.Items("versions").Select(v => v.Item.Text("name")).ToHashSet();
        var i = 0;
        foreach (var stored in old.Object("status").Texts("storedVersions"))
        {
            if (!names.Contains(stored))
                errors.Invalid($"status.storedVersions[{i}]", stored, "missing from spec.versions; the version was once the storage version and must remain until it is removed from status.storedVersions");
            i++;
        }
    }
}
